import Foundation
import HandlersMail
import SMTP
import TestSupport
import Testing

/// Against a server nobody here wrote: aiosmtpd, when a Python that has it is named.
struct ForeignServerTests {
    static let python = ProcessInfo.processInfo.environment["AIOSMTPD_PYTHON"]

    private static let script = """
        import ssl, sys, time
        from aiosmtpd.controller import Controller
        from aiosmtpd.smtp import AuthResult
        class Store:
            async def handle_RCPT(self, server, session, envelope, address, options):
                if address.startswith('gone'): return '550 no such user'
                envelope.rcpt_tos.append(address); return '250 OK'
            async def handle_DATA(self, server, session, envelope):
                open(sys.argv[3], 'ab').write(envelope.content + b'\\n=====\\n'); return '250 stored'
        def login(server, session, envelope, mechanism, data):
            good = data.login.decode() == 'kullanıcı@örnek' and data.password.decode() == 'şifre-ğüİı'
            return AuthResult(success=good)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(sys.argv[1], sys.argv[2])
        controller = Controller(Store(), hostname='127.0.0.1', port=int(sys.argv[4]), tls_context=context,
            require_starttls=True, authenticator=login, auth_required=True)
        controller.start(); print('ready', flush=True); sys.stdin.read(); controller.stop()
        """

    @Test(.enabled(if: python != nil, "set AIOSMTPD_PYTHON to a Python that has aiosmtpd"))
    func `aiosmtpd takes our mails`() async throws {
        let certificates = try TestCertificates.shared.get()
        let folder = try ScratchFolder()
        let spare = try await FakeSMTPServer.start()
        let port = spare.port
        await spare.stop()
        let process = Process()
        process.executableURL = URL(fileURLWithPath: Self.python ?? "")
        process.arguments = [
            "-c", Self.script, certificates.server.certificate, certificates.server.key, folder.file("mails"),
            "\(port)",
        ]
        let input = Pipe()
        let output = Pipe()
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        #expect(String(decoding: output.fileHandleForReading.availableData, as: UTF8.self).hasPrefix("ready"))
        var settings = SMTPConfiguration(host: "localhost", port: port)
        settings.authorityFile = certificates.authority
        settings.credentials = SMTPCredentials(user: "kullanıcı@örnek", password: "şifre-ğüİı")
        let client = SMTPClient(configuration: settings)
        let two = SMTPEnvelope(sender: "a@b.c", recipients: ["d@e.f", "gone@e.f"])
        let start = ContinuousClock.now
        for number in 0..<200 {
            let delivery = try await client.send(two, content: Array("Subject: \(number)\r\n\r\n.dots\r\n..\r\n".utf8))
            #expect(delivery.recipients.map(\.reply.code) == [250, 550])
        }
        print("200 messages to aiosmtpd:", ContinuousClock.now - start)
        await client.shutdown()
        try input.fileHandleForWriting.close()
        process.waitUntilExit()
        let stored = try String(contentsOfFile: folder.file("mails"), encoding: .utf8)
        #expect(stored.components(separatedBy: "=====").count == 201)
        #expect(stored.contains("\r\n.dots\r\n..\r\n"))
    }
}
