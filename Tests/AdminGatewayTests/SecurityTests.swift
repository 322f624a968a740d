import CeleryMessage
import HTTPTypes
import HummingbirdTesting
import Inspection
import Testing

@testable import AdminGateway

@Suite struct `The gateway's door` {
    private func guarded() -> GatewayUnderTest {
        var gateway = GatewayUnderTest()
        gateway.addUsers()
        gateway.configuration.statusAccess = .token
        return gateway
    }

    @Test(arguments: ["", "Basic YWRtaW46YWRtaW4=", "Bearer", "Bearer ", "Bearer wrong-token-of-a-guess", "bearer  "])
    func `stays shut without a known token`(header: String) async throws {
        try await guarded().run { client async throws in
            let answer = try await client.get("/tasks/t1/status", header.isEmpty ? [:] : [.authorization: header])
            #expect(answer.status == .unauthorized)
            #expect(answer.headers[.wwwAuthenticate]?.hasPrefix("Bearer") == true)
            #expect(try answer.json["success"] == false)
        }
    }

    @Test(arguments: GatewayUser.Role.allCases)
    func `opens for every role that suffices`(role: GatewayUser.Role) async throws {
        try await guarded().run { client async throws in
            let answer = try await client.get("/tasks/t1/status", .bearer(role))
            #expect(answer.status == .ok)
        }
    }

    @Test func `stays shut for everybody where no user is configured`() async throws {
        var gateway = GatewayUnderTest()
        gateway.configuration.statusAccess = .token
        try await gateway.run { client async throws in
            let answer = try await client.get("/tasks/t1/status", [.authorization: "Bearer x"])
            #expect(answer.status == .unauthorized)
        }
    }

    @Test func `is closed to an address that guesses`() async throws {
        var gateway = guarded()
        gateway.configuration.limits.failedTokensPerMinute = 3
        try await gateway.run { client async throws in
            for _ in 0..<3 {
                let answer = try await client.get("/tasks/t1/status", [.authorization: "Bearer guess"])
                #expect(answer.status == .unauthorized)
            }
            let shut = try await client.get("/tasks/t1/status", .bearer(.admin))
            #expect(shut.status == .tooManyRequests)
            #expect(shut.headers[.retryAfter] == "60")
        }
    }

    @Test(arguments: ["/livez", "/tasks/t1/status", "/nowhere", "/tasks/%20/status"])
    func `keeps browsers careful with every answer`(path: String) async throws {
        try await GatewayUnderTest().run { client async throws in
            let headers = try await client.get(path).headers
            #expect(headers[.xContentTypeOptions] == "nosniff")
            #expect(headers[.contentSecurityPolicy]?.contains("default-src 'none'") == true)
            #expect(headers[.xFrameOptions] == "DENY")
            #expect(headers[.referrerPolicy] == "no-referrer")
            #expect(headers[.strictTransportSecurity] == nil)
            #expect(headers[.accessControlAllowOrigin] == nil)
            #expect(headers[.server] == nil)
        }
    }

    @Test func `asks browsers to stay with TLS where it has it`() async throws {
        var gateway = GatewayUnderTest()
        gateway.configuration.isEncrypted = true
        try await gateway.run { client async throws in
            let answer = try await client.get("/livez")
            #expect(answer.headers[.strictTransportSecurity] == "max-age=31536000")
        }
    }

    @Test func `lets only configured origins in`() async throws {
        var gateway = GatewayUnderTest()
        gateway.configuration.origins = ["https://app.example.com"]
        try await gateway.run { client async throws in
            let ours = try await client.get("/tasks/t1/status", [.origin: "https://app.example.com"])
            #expect(ours.headers[.accessControlAllowOrigin] == "https://app.example.com")
            #expect(ours.headers[.vary] == "Origin")
            let theirs = try await client.get("/tasks/t1/status", [.origin: "https://app.example.com.evil.org"])
            #expect(theirs.headers[.accessControlAllowOrigin] == nil)
            let refused = try await client.get("/tasks/t1/status?wait=x", [.origin: "https://app.example.com"])
            #expect(refused.status == .badRequest)
            #expect(refused.headers[.accessControlAllowOrigin] == "https://app.example.com")
            let asked = try await client.execute(
                uri: "/tasks/t1/status",
                method: .options,
                headers: [.origin: "https://app.example.com", .accessControlRequestMethod: "GET"]
            )
            #expect(asked.status == .noContent)
            #expect(asked.headers[.accessControlAllowHeaders]?.contains("Authorization") == true)
        }
    }

    @Test func `answers every failure in JSON`() async throws {
        try await GatewayUnderTest().run { client async throws in
            let missing = try await client.get("/nowhere")
            #expect(missing.status == .notFound)
            #expect(try missing.json["code"] == "not_found")
            let long = try await client.get("/tasks/" + String(repeating: "a", count: 5000) + "/status")
            #expect(long.status == .uriTooLong)
        }
    }

    @Test func `compares digests by all of their bytes`() {
        let digest = TokenDigest.of("a-token-of-some-length")
        #expect(digest.count == 32)
        #expect(TokenDigest.areEqual(digest, TokenDigest.of("a-token-of-some-length")))
        for place in digest.indices {
            var other = digest
            other[place] ^= 1
            #expect(!TokenDigest.areEqual(digest, other))
        }
        #expect(!TokenDigest.areEqual(digest, Array(digest.dropLast())))
    }
}

@Suite struct `Health` {
    @Test func `is alive whatever Redis does`() async throws {
        let gateway = GatewayUnderTest()
        gateway.deployment.isReachable = false
        try await gateway.run { client async throws in
            #expect(try await client.get("/livez").text == #"{"status":"ok"}"#)
            #expect(try await client.get("/readyz").status == .serviceUnavailable)
            #expect(try await client.get("/readyz").text == #"{"status":"unavailable"}"#)
        }
    }

    @Test func `has started once Redis has answered, and stays so`() async throws {
        let gateway = GatewayUnderTest()
        let deployment = gateway.deployment
        deployment.isReachable = false
        try await gateway.run { client async throws in
            #expect(try await client.get("/startupz").status == .serviceUnavailable)
            deployment.isReachable = true
            #expect(try await client.get("/startupz").status == .ok)
            deployment.isReachable = false
            #expect(try await client.get("/startupz").status == .ok)
            #expect(try await client.get("/readyz").status == .serviceUnavailable)
        }
    }
}

@Suite struct `A rate limiter` {
    @Test func `gives so many a minute and refills evenly`() {
        let clock = TestClock()
        let limiter = RateLimiter { clock.now }
        #expect(limiter.take("a", perMinute: 2) == nil)
        #expect(limiter.take("a", perMinute: 2) == nil)
        #expect(limiter.take("a", perMinute: 2) == 30)
        #expect(limiter.take("b", perMinute: 2) == nil)
        clock.advance(by: .seconds(29))
        #expect(limiter.take("a", perMinute: 2) == 1)
        clock.advance(by: .seconds(1))
        #expect(limiter.take("a", perMinute: 2) == nil)
        #expect(limiter.take("a", perMinute: 2) != nil)
    }

    @Test func `does not grow without end`() {
        let clock = TestClock()
        let limiter = RateLimiter { clock.now }
        for number in 0..<30_000 { limiter.count("address \(number)", perMinute: 1) }
        #expect(limiter.size <= 10_000)
    }
}
