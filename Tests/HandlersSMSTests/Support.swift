import CeleriacTasks
import CeleryMessage
import Logging
import Synchronization
import TestSupport

/// Remembers what a handler reports.
final class RecordingReporter: TaskReporter {
    private let state = Mutex<[(state: String, meta: JSONValue)]>([])

    var updates: [(state: String, meta: JSONValue)] { state.withLock { $0 } }

    func update(state name: String, meta: JSONValue) { state.withLock { $0.append((name, meta)) } }
    func enqueue(_ signature: Signature) {}
}

func context(
    id: String = "5b1c-2",
    retries: Int = 0,
    reporter: RecordingReporter = RecordingReporter()
) -> TaskContext {
    var headers = TaskHeaders(task: "backend.tasks.sms_tasks.send_sms", id: id)
    headers.retries = retries
    return TaskContext(
        request: TaskRequest(headers: headers, queue: "sms", hostname: "celery@test"),
        logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
        reporter: reporter
    )
}

func setup(_ options: JSONObject, folder: ScratchFolder) -> HandlerSetup {
    HandlerSetup(
        taskName: "sms",
        options: options,
        baseFolder: folder.path,
        logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    )
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
