import CeleriacTasks
import CeleryMessage
import HandlerTestSupport
import HandlersMail
import SMTP
import TestSupport

func context(
    _ task: String = "backend.tasks.email_tasks.send_email",
    id: String = "4f0a-1",
    retries: Int = 0,
    reporter: RecordingReporter = RecordingReporter()
) -> TaskContext {
    .testing(task, id: id, queue: "email", retries: retries, reporter: reporter)
}

func setup(_ options: JSONObject, folder: ScratchFolder) -> HandlerSetup {
    .testing("mail", options, folder: folder.path)
}

func configuration(
    _ server: FakeSMTPServer,
    security: MailSecurity = .startTLS,
    host: String = "localhost",
    login: Bool = true
) throws -> SMTPConfiguration {
    var configuration = SMTPConfiguration(host: host, port: server.port, security: security)
    configuration.authorityFile = try TestCertificates.shared.get().authority
    if login { configuration.credentials = SMTPCredentials(user: "kullanıcı@örnek", password: "şifre-ğüİı") }
    configuration.timeout = .seconds(10)
    return configuration
}

/// The `smtp` block of a handler's options for a fake server.
func block(_ server: FakeSMTPServer, login: Bool = true) throws -> JSONValue {
    var block: JSONObject = [
        "host": "localhost", "port": .int(Int64(server.port)),
        "ca_file": .string(try TestCertificates.shared.get().authority),
    ]
    if login {
        block["username"] = "kullanıcı@örnek"
        block["password"] = "şifre-ğüİı"
    }
    return .object(block)
}

func withServer(
    _ change: (inout FakeSMTPServer.Behaviour) -> Void = { _ in },
    _ body: (FakeSMTPServer) async throws -> Void
) async throws {
    let server = try await FakeSMTPServer.start(change)
    do {
        try await body(server)
    } catch {
        await server.stop()
        throw error
    }
    await server.stop()
}

let envelope = SMTPEnvelope(sender: "from@example.com", recipients: ["to@example.com"])
let content = Array("Subject: x\r\n\r\nbody\r\n".utf8)
