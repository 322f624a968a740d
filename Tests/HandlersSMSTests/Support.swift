import CeleriacTasks
import CeleryMessage
import HandlerTestSupport
import TestSupport

func context(
    id: String = "5b1c-2",
    retries: Int = 0,
    reporter: RecordingReporter = RecordingReporter()
) -> TaskContext {
    .testing("backend.tasks.sms_tasks.send_sms", id: id, queue: "sms", retries: retries, reporter: reporter)
}

func setup(_ options: JSONObject, folder: ScratchFolder) -> HandlerSetup {
    .testing("sms", options, folder: folder.path)
}

func withGateway(
    _ answers: @escaping @Sendable (FakeGateway.Request) -> FakeGateway.Answer,
    _ body: (FakeGateway) async throws -> Void
) async throws {
    let gateway = try await FakeGateway(answers)
    do {
        try await body(gateway)
    } catch {
        await gateway.stop()
        throw error
    }
    await gateway.stop()
}

func netgsm(_ gateway: FakeGateway) -> JSONObject {
    [
        "gateway": "netgsm", "username": "8501234567", "password": "şifre", "header": "ACME",
        "base_url": .string(gateway.url),
    ]
}

func iletiMerkezi(_ gateway: FakeGateway) -> JSONObject {
    [
        "gateway": "ileti_merkezi", "key": "anahtar", "secret": "gizli", "sender": "ACME",
        "base_url": .string(gateway.url),
    ]
}

func twilio(_ gateway: FakeGateway) -> JSONObject {
    [
        "gateway": "twilio", "account_sid": "AC123", "auth_token": "token", "from": "+15005550006",
        "base_url": .string(gateway.url + "/"),
    ]
}
