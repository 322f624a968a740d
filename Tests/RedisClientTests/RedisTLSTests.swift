import NIOPosix
import RedisClient
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(2)))
struct RedisTLSTests {
    @Test func `speaks TLS with a private authority`() async throws {
        try await withTLSServer { server, files in
            for host in ["127.0.0.1", "localhost"] {
                let url = "rediss://\(host):\(server.port)/1?ssl_ca_certs=\(files.authority)"
                let client = try makeClient(url)
                try await client.connect()
                let large = [UInt8](repeating: 9, count: 3 << 20)
                _ = try await client.send(RedisCommand("SET", "k", large))
                #expect(try await client.send(RedisCommand("GET", "k")).bytes == large)
                let replies = try await LoopEngine(client).sendTogether(500)
                #expect(replies == Array(0..<500))
                await client.close()
            }
        }
    }

    @Test(arguments: ["", "ssl_ca_certs=STRANGE", "ssl_cert_reqs=optional&ssl_ca_certs=STRANGE"])
    func `refuses a server that nobody vouches for`(query: String) async throws {
        try await withTLSServer { server, files in
            let query = query.replacing("STRANGE", with: files.strangeAuthority)
            // Reading the system's authorities takes long under the thread sanitizer.
            try await expectRefused("rediss://127.0.0.1:\(server.port)?socket_connect_timeout=60&\(query)")
        }
    }

    @Test func `accepts any server when told so`() async throws {
        try await withTLSServer { server, _ async throws in
            try await expectAccepted("rediss://127.0.0.1:\(server.port)?ssl_cert_reqs=none")
        }
    }

    @Test func `checks the name in the certificate unless told otherwise`() async throws {
        let files = try await TLSFiles()
        let listener = RedisServer.Listener.tls(
            authority: files.authority,
            certificate: files.otherHostCertificate,
            key: files.otherHostKey,
            authenticatesClients: false
        )
        try await withRedisServer(listener) { server in
            let url = "rediss://127.0.0.1:\(server.port)?ssl_ca_certs=\(files.authority)"
            try await expectRefused(url)
            try await expectRefused(url + "&ssl_cert_reqs=optional")
            try await expectAccepted(url + "&ssl_check_hostname=false")
        }
        files.remove()
    }

    @Test func `shows its own certificate where the server wants one`() async throws {
        try await withTLSServer(authenticatesClients: true) { server, files in
            let url = "rediss://127.0.0.1:\(server.port)?ssl_ca_certs=\(files.authority)"
            let certificate = url + "&ssl_certfile=\(files.clientCertificate)"
            try await expectAccepted(certificate + "&ssl_keyfile=\(files.clientKey)")
            try await expectAccepted(certificate + "&ssl_keyfile=\(files.encryptedClientKey)&ssl_password=opensesame")
            try await expectRefused(certificate + "&ssl_keyfile=\(files.encryptedClientKey)&ssl_password=wr0ng")
            try await expectRefused(url)
        }
    }

    @Test(arguments: ["ssl_ca_certs", "ssl_certfile"])
    func `names the file that it cannot read`(option: String) async throws {
        let client = try makeClient("rediss://127.0.0.1:1?\(option)=/nowhere/file.pem")
        do throws(RedisError) {
            try await client.connect()
            Issue.record("connected")
        } catch {
            #expect(error.code == .tls)
            #expect(error.message.contains(option))
            #expect(error.message.contains("/nowhere/file.pem"))
        }
        await client.close()
    }

    @Test func `notices a server without TLS`() async throws {
        try await withRedisServer { server in
            let client = try makeClient("rediss://127.0.0.1:\(server.port)?socket_connect_timeout=2")
            await #expect(throws: RedisError.self) { try await client.connect() }
            await client.close()
        }
    }

    @Test func `connects again over TLS and leaves a stalled connection at once`() async throws {
        try await withTLSServer { server, files in
            let proxy = try await FaultyProxy.start(target: server.port)
            var configuration = try RedisConfiguration(
                url: "rediss://127.0.0.1:\(proxy.port)?ssl_ca_certs=\(files.authority)"
            )
            configuration.commandTimeout = .milliseconds(200)
            configuration.connectTimeout = .seconds(5)
            configuration.backoff = RedisBackoff(first: .milliseconds(5), ceiling: .milliseconds(50))
            try await withClient(configuration) { client, states async throws in
                proxy.swallow(true)
                await #expect(throws: RedisError(.timeout, "")) { try await client.send(RedisCommand("PING")) }
                #expect(try await states.nextLost().code == .timeout)
                proxy.swallow(false)
                try await states.nextConnected()
                #expect(try await client.send(RedisCommand("ECHO", "back"), timeout: .seconds(20)).text == "back")
                await server.kill()
                try await states.nextLost()
                try await server.restart()
                #expect(try await client.send(RedisCommand("ECHO", "again"), timeout: .seconds(20)).text == "again")
            }
            await proxy.stop()
        }
    }

    private func withTLSServer(
        authenticatesClients: Bool = false,
        _ body: (RedisServer, TLSFiles) async throws -> Void
    ) async throws {
        let files = try await TLSFiles()
        defer { files.remove() }
        let listener = RedisServer.Listener.tls(
            authority: files.authority,
            certificate: files.serverCertificate,
            key: files.serverKey,
            authenticatesClients: authenticatesClients
        )
        try await withRedisServer(listener) { try await body($0, files) }
    }

    private func makeClient(_ url: String) throws -> RedisClient {
        RedisClient(
            configuration: try RedisConfiguration(url: url),
            eventLoop: MultiThreadedEventLoopGroup.singleton.next(),
            logger: quiet
        )
    }

    private func expectAccepted(_ url: String) async throws {
        let client = try makeClient(url)
        try await client.connect()
        #expect(try await client.send(RedisCommand("PING")) == .status("PONG"))
        await client.close()
    }

    private func expectRefused(_ url: String) async throws {
        let client = try makeClient(url)
        do throws(RedisError) {
            try await client.connect()
            Issue.record("connected")
        } catch {
            #expect(error.code == .tls)
            #expect(!error.isTransient)
            #expect(!"\(error)".contains("wr0ng"))
        }
        await client.close()
    }
}
