import HandlersMail
import SMTP
import Testing

struct SMTPClientTests {
    @Test(arguments: [["PLAIN"], ["LOGIN"], ["GSSAPI", "LOGIN", "PLAIN"]])
    func `sends after STARTTLS and logs in with letters of any language`(methods: [String]) async throws {
        try await withServer {
            $0.authentication = methods
        } _: { server in
            let client = SMTPClient(configuration: try configuration(server))
            let delivery = try await client.send(envelope, content: content)
            await client.shutdown()
            #expect(delivery.reply.text == "queued as 1")
            #expect(delivery.recipients.map(\.isAccepted) == [true])
            let message = try #require(server.messages.first)
            #expect(message.isEncrypted)
            #expect(message.user == "kullanıcı@örnek")
            #expect(message.recipients == ["to@example.com"])
            #expect(message.content == "Subject: x\r\n\r\nbody\r\n")
        }
    }

    @Test(arguments: ["localhost", "127.0.0.1"])
    func `sends over TLS from the first byte`(host: String) async throws {
        try await withServer {
            $0.implicitTLS = true
        } _: { server in
            let client = SMTPClient(configuration: try configuration(server, security: .tls, host: host))
            _ = try await client.send(envelope, content: content)
            await client.shutdown()
            #expect(server.messages.map(\.isEncrypted) == [true])
        }
    }

    @Test func `refuses a server without STARTTLS before it says who it is`() async throws {
        try await withServer {
            $0.offersStartTLS = false
        } _: { server in
            let client = SMTPClient(configuration: try configuration(server))
            let error = await #expect(throws: SMTPError.self) { try await client.send(envelope, content: content) }
            #expect(error?.code == .tlsNotOffered)
            #expect(error?.isTemporary == false)
            #expect(!server.commands.contains { $0.hasPrefix("AUTH") || $0.hasPrefix("MAIL") })
            await client.shutdown()
        }
    }

    @Test func `refuses bytes in clear behind the answer to STARTTLS`() async throws {
        try await withServer {
            $0.injected = "250-evil\r\n250 AUTH PLAIN"
        } _: { server in
            let client = SMTPClient(configuration: try configuration(server))
            let error = await #expect(throws: SMTPError.self) { try await client.send(envelope, content: content) }
            #expect(error?.code == .injectedBytes)
            #expect(server.messages.isEmpty)
            await client.shutdown()
        }
    }

    @Test func `refuses an authority it does not know`() async throws {
        try await withServer { server in
            var settings = try configuration(server)
            settings.authorityFile = nil
            let client = SMTPClient(configuration: settings)
            let error = await #expect(throws: SMTPError.self) { try await client.send(envelope, content: content) }
            #expect(error?.code == .tlsFailed)
            #expect(server.messages.isEmpty)
            await client.shutdown()
        }
    }

    @Test(arguments: [MailSecurity.startTLS, .tls])
    func `refuses a certificate for another name`(security: MailSecurity) async throws {
        let stranger = try TestCertificates.shared.get().stranger
        try await withServer {
            $0.certificate = stranger
            $0.implicitTLS = security == .tls
        } _: { server in
            let client = SMTPClient(configuration: try configuration(server, security: security))
            let error = await #expect(throws: SMTPError.self) { try await client.send(envelope, content: content) }
            #expect(error?.code == .tlsFailed)
            #expect(server.messages.isEmpty)
            await client.shutdown()
        }
    }

    @Test(arguments: [MailSecurity.startTLS, .tls])
    func `takes a server that hangs up on the handshake for one that refuses TLS`(security: MailSecurity) async throws {
        try await withServer {
            $0.hangsUpOnHandshake = true
            $0.implicitTLS = security == .tls
        } _: { server in
            let client = SMTPClient(configuration: try configuration(server, security: security))
            let error = await #expect(throws: SMTPError.self) { try await client.send(envelope, content: content) }
            #expect(error?.code == .tlsFailed)
            #expect(error?.isTemporary == true)
            await client.shutdown()
        }
    }

    @Test(arguments: [MailSecurity.startTLS, .tls])
    func `a server that is gone after the handshake has not refused TLS`(security: MailSecurity) async throws {
        try await withServer {
            $0.swallowsMessages = true
            $0.implicitTLS = security == .tls
        } _: { server in
            let client = SMTPClient(configuration: try configuration(server, security: security))
            let sending = Task { try await client.send(envelope, content: content) }
            await server.ledger.wait { $0.messages.count == 1 }
            await server.dropConnections()
            let error = await #expect(throws: SMTPError.self) { try await sending.value }
            #expect(error?.code == .disconnected)
            await client.shutdown()
        }
    }

    @Test func `tells a wrong password without repeating it`() async throws {
        try await withServer {
            $0.password = "another"
        } _: { server in
            let client = SMTPClient(configuration: try configuration(server))
            let error = await #expect(throws: SMTPError.self) { try await client.send(envelope, content: content) }
            #expect(error?.code == .authenticationFailed)
            #expect(error?.reply?.code == 535)
            #expect(error?.isTemporary == false)
            #expect("\(String(describing: error))".contains("şifre") == false)
            await client.shutdown()
        }
    }

    @Test func `refuses a server that offers no way to log in`() async throws {
        try await withServer {
            $0.authentication = ["GSSAPI"]
        } _: { server in
            let client = SMTPClient(configuration: try configuration(server))
            let error = await #expect(throws: SMTPError.self) { try await client.send(envelope, content: content) }
            #expect(error?.code == .authenticationNotOffered)
            await client.shutdown()
        }
    }

    @Test(arguments: [true, false])
    func `tells the answer to each recipient and keeps the connection`(pipelining: Bool) async throws {
        try await withServer {
            $0.pipelining = pipelining
            $0.recipients = ["gone@example.com": ["550 5.1.1 no such user"], "later@example.com": ["451 4.7.1 later"]]
        } _: { server in
            let client = SMTPClient(configuration: try configuration(server))
            let mixed = SMTPEnvelope(
                sender: "from@example.com",
                recipients: ["to@example.com", "gone@example.com", "later@example.com"]
            )
            let delivery = try await client.send(mixed, content: content)
            #expect(delivery.recipients.map(\.reply.code) == [250, 550, 451])
            #expect(delivery.recipients[1].reply.text == "5.1.1 no such user")
            #expect(server.messages.first?.recipients == ["to@example.com"])

            let nobody = SMTPEnvelope(sender: "from@example.com", recipients: ["gone@example.com"])
            let error = await #expect(throws: SMTPError.self) { try await client.send(nobody, content: content) }
            #expect(error?.code == .recipientsRefused)
            #expect(error?.isTemporary == false)
            _ = try await client.send(envelope, content: content)
            #expect(server.connections == 1)
            await client.shutdown()
        }
    }

    @Test(arguments: [("450 later", true), ("550 never", false)])
    func `tells a refused sender and a refused message apart from a dead server`(
        answer: String,
        temporary: Bool
    ) async throws {
        try await withServer {
            $0.senderAnswer = answer
        } _: { server in
            let client = SMTPClient(configuration: try configuration(server))
            let error = await #expect(throws: SMTPError.self) { try await client.send(envelope, content: content) }
            #expect(error?.code == .senderRefused)
            #expect(error?.isTemporary == temporary)
            #expect(error?.concernsServer == false)
            await client.shutdown()
        }
        try await withServer {
            $0.messageAnswer = answer
        } _: { server in
            let client = SMTPClient(configuration: try configuration(server))
            let error = await #expect(throws: SMTPError.self) { try await client.send(envelope, content: content) }
            #expect(error?.code == .dataRefused)
            #expect(error?.isTemporary == temporary)
            await client.shutdown()
        }
    }

    @Test func `sends many messages over one connection`() async throws {
        try await withServer { server in
            let client = SMTPClient(configuration: try configuration(server))
            for _ in 0..<30 { _ = try await client.send(envelope, content: content) }
            #expect(server.messages.count == 30)
            #expect(server.connections == 1)
            await client.shutdown()
            await server.ledger.wait { $0.children.isEmpty }
            #expect(server.commands.last == "QUIT")
        }
    }

    @Test func `opens no more connections than allowed`() async throws {
        try await withServer { server in
            var settings = try configuration(server)
            settings.maxConnections = 3
            let client = SMTPClient(configuration: settings)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<24 { group.addTask { _ = try await client.send(envelope, content: content) } }
                try await group.waitForAll()
            }
            #expect(server.messages.count == 24)
            #expect((1...3).contains(server.connections))
            await client.shutdown()
        }
    }

    @Test func `replaces a connection the server ends with 421`() async throws {
        try await withServer {
            $0.messagesPerConnection = 3
        } _: { server in
            let client = SMTPClient(configuration: try configuration(server))
            for _ in 0..<8 { _ = try await client.send(envelope, content: content) }
            #expect(server.messages.count == 8)
            #expect(server.connections == 3)
            await client.shutdown()
        }
    }

    @Test func `replaces a connection after its own limit`() async throws {
        try await withServer { server in
            var settings = try configuration(server)
            settings.messagesPerConnection = 2
            let client = SMTPClient(configuration: settings)
            for _ in 0..<5 { _ = try await client.send(envelope, content: content) }
            #expect(server.connections == 3)
            await client.shutdown()
        }
    }

    @Test func `replaces connections that died while idle`() async throws {
        try await withServer { server in
            let client = SMTPClient(configuration: try configuration(server))
            _ = try await client.send(envelope, content: content)
            await server.dropConnections()
            _ = try await client.send(envelope, content: content)
            #expect(server.messages.count == 2)
            #expect(server.connections == 2)
            await client.shutdown()
        }
    }

    @Test func `asks before it uses a connection that was quiet`() async throws {
        try await withServer { server in
            var settings = try configuration(server)
            settings.quietLimit = .zero
            let client = SMTPClient(configuration: settings)
            for _ in 0..<3 { _ = try await client.send(envelope, content: content) }
            #expect(server.commands.count { $0 == "NOOP" } == 2)
            #expect(server.connections == 1)
            await server.dropConnections()
            _ = try await client.send(envelope, content: content)
            #expect(server.connections == 2)
            await client.shutdown()
        }
    }

    @Test func `says goodbye after the idle limit`() async throws {
        try await withServer { server in
            var settings = try configuration(server)
            settings.idleLimit = .milliseconds(20)
            let client = SMTPClient(configuration: settings)
            _ = try await client.send(envelope, content: content)
            await server.ledger.wait { $0.children.isEmpty }
            #expect(server.commands.last == "QUIT")
            _ = try await client.send(envelope, content: content)
            #expect(server.connections == 2)
            await client.shutdown()
        }
    }

    @Test func `a 421 greeting is temporary`() async throws {
        try await withServer {
            $0.greeting = "421 busy"
        } _: { server in
            let client = SMTPClient(configuration: try configuration(server))
            let error = await #expect(throws: SMTPError.self) { try await client.send(envelope, content: content) }
            #expect(error?.code == .serviceClosing)
            #expect(error?.isTemporary == true)
            await client.shutdown()
        }
    }

    @Test(arguments: ["HTTP/1.1 400 Bad Request", "xx", "220-a\r\n250 b", "999 what"])
    func `refuses what is not SMTP`(greeting: String) async throws {
        try await withServer {
            $0.greeting = greeting
        } _: { server in
            let client = SMTPClient(configuration: try configuration(server))
            let error = await #expect(throws: SMTPError.self) { try await client.send(envelope, content: content) }
            #expect(error?.code == .protocolViolation)
            await client.shutdown()
        }
    }

    @Test func `an endless line does not fill the memory`() async throws {
        try await withServer {
            $0.greeting = "220 " + String(repeating: "x", count: 100_000)
        } _: { server in
            let client = SMTPClient(configuration: try configuration(server))
            let error = await #expect(throws: SMTPError.self) { try await client.send(envelope, content: content) }
            #expect(error?.code == .protocolViolation)
            await client.shutdown()
        }
    }

    @Test func `a server that says nothing runs into the time limit`() async throws {
        try await withServer {
            $0.greeting = ""
        } _: { server in
            var settings = try configuration(server)
            settings.timeout = .seconds(1)
            let client = SMTPClient(configuration: settings)
            let error = await #expect(throws: SMTPError.self) { try await client.send(envelope, content: content) }
            #expect(error?.code == .timedOut)
            #expect(error?.isTemporary == true)
            await client.shutdown()
        }
    }

    @Test func `a message without an answer may have been delivered and is not sent again by itself`() async throws {
        try await withServer {
            $0.swallowsMessages = true
        } _: { server in
            let client = SMTPClient(configuration: try configuration(server))
            async let sending = client.send(envelope, content: content)
            await server.ledger.wait { $0.messages.count == 1 }
            await server.dropConnections()
            do {
                _ = try await sending
                Issue.record("nothing was thrown")
            } catch let error as SMTPError {
                #expect(error.code == .disconnected)
                #expect(error.mayHaveBeenDelivered)
            }
            #expect(server.messages.count == 1)
            await client.shutdown()
        }
    }

    @Test func `nobody listening is temporary`() async throws {
        let server = try await FakeSMTPServer.start()
        let settings = try configuration(server)
        await server.stop()
        let client = SMTPClient(configuration: settings)
        let error = await #expect(throws: SMTPError.self) { try await client.send(envelope, content: content) }
        #expect(error?.code == .connectFailed)
        #expect(error?.isTemporary == true)
        await client.shutdown()
    }

    @Test func `respects the size a server announces`() async throws {
        try await withServer {
            $0.size = 100
        } _: { server in
            let client = SMTPClient(configuration: try configuration(server))
            let large = [UInt8](repeating: 65, count: 101)
            let error = await #expect(throws: SMTPError.self) { try await client.send(envelope, content: large) }
            #expect(error?.code == .messageTooLarge)
            _ = try await client.send(envelope, content: content)
            #expect(server.commands.contains("MAIL FROM:<from@example.com> SIZE=\(content.count)"))
            await client.shutdown()
        }
    }

    @Test func `cancelling takes effect at once while the server thinks`() async throws {
        try await withServer {
            $0.swallowsMessages = true
        } _: { server in
            let client = SMTPClient(configuration: try configuration(server))
            var shortest = Duration.seconds(10)
            for attempt in 1...5 {
                let sending = Task { try await client.send(envelope, content: content) }
                await server.ledger.wait { $0.messages.count == attempt }
                let start = ContinuousClock.now
                sending.cancel()
                let result = await sending.result
                shortest = min(shortest, ContinuousClock.now - start)
                #expect(throws: CancellationError.self) { try result.get() }
            }
            // Without it the client's own limit of ten seconds would end each: far apart also on a busy machine.
            #expect(shortest < .seconds(2))
            await server.ledger.wait { $0.children.isEmpty }
            await client.shutdown()
        }
    }

    @Test func `cancelling a wait for a connection leaves the others alone`() async throws {
        try await withServer {
            $0.swallowsMessages = true
        } _: { server in
            var settings = try configuration(server)
            settings.maxConnections = 1
            let client = SMTPClient(configuration: settings)
            let first = Task { try await client.send(envelope, content: content) }
            await server.ledger.wait { $0.messages.count == 1 }
            let second = Task { try await client.send(envelope, content: content) }
            let third = Task { try await client.send(envelope, content: content) }
            second.cancel()
            await #expect(throws: CancellationError.self) { try await second.value }
            first.cancel()
            // The place of the first goes to the third.
            await server.ledger.wait { $0.messages.count == 2 }
            third.cancel()
            _ = await first.result
            _ = await third.result
            await client.shutdown()
        }
    }

    @Test func `a client that was shut down sends nothing`() async throws {
        try await withServer { server in
            let client = SMTPClient(configuration: try configuration(server))
            await client.shutdown()
            let error = await #expect(throws: SMTPError.self) { try await client.send(envelope, content: content) }
            #expect(error?.code == .shutDown)
            #expect(server.connections == 0)
        }
    }

    @Test(arguments: [
        ".", "..", ".\r\n", "a\r\n.\r\nb\r\n", "a\r\n..b", "\r\n.\r\nRSET\r\n", "no end", "",
    ])
    func `lines with dots arrive as they were`(text: String) async throws {
        try await withServer { server in
            let client = SMTPClient(configuration: try configuration(server))
            _ = try await client.send(envelope, content: Array(text.utf8))
            let ended = text.hasSuffix("\r\n") ? text : text + "\r\n"
            #expect(server.messages.map(\.content) == [ended])
            await client.shutdown()
        }
    }

    @Test func `passwords print as stars`() {
        let credentials = SMTPCredentials(user: "u", password: "geheim")
        var dumped = ""
        dump(credentials, to: &dumped)
        #expect("\(credentials)" == "***")
        #expect(!dumped.contains("geheim"))
        #expect(!String(reflecting: credentials).contains("geheim"))
    }
}
