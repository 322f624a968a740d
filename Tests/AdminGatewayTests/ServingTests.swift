import CeleryMessage
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Inspection
import Logging
import Testing

@testable import AdminGateway

/// One gateway after another behind the same address.
@Suite struct `A gateway that is replaced while it serves` {
    private func run(
        _ first: GatewayUnderTest,
        _ body: @Sendable (any TestClientProtocol, ServedGateway) async throws -> Void
    ) async throws {
        let served = ServedGateway(first.gateway())
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        try await Application(responder: served, logger: logger).test(.router) { client in
            try await body(client, served)
        }
    }

    private var guarded: GatewayUnderTest {
        var gateway = GatewayUnderTest()
        gateway.addUsers()
        gateway.hasDashboard = true
        gateway.configuration.statusAccess = .token
        return gateway
    }

    @Test func `knows the new users and no others from the next request on`() async throws {
        let first = guarded
        var second = first
        second.configuration.users = [
            GatewayUser(name: "admin", role: .viewer, token: GatewayUnderTest.token(.admin)),
            GatewayUser(name: "new", role: .admin, token: "a-token-of-somebody-new"),
        ]
        try await run(first) { [second] client, served async throws in
            let sent = ["task": "a.twin"] as JSONValue
            #expect(try await client.get("/tasks/t1/status", .bearer(.viewer)).status == .ok)
            served.change(to: second.gateway())
            #expect(try await client.get("/tasks/t1/status", .bearer(.viewer)).status == .unauthorized)
            let demoted = try await client.execute(
                uri: "/api/tasks",
                method: .post,
                headers: HTTPFields.bearer(.admin).merging([.contentType: "application/json"]),
                body: WebJSON.buffer(sent)
            )
            #expect(demoted.status == .forbidden)
            let header: HTTPFields = [.authorization: "Bearer a-token-of-somebody-new"]
            #expect(try await client.get("/tasks/t1/status", header).status == .ok)
        }
    }

    @Test func `goes on counting where the other stopped`() async throws {
        var first = guarded
        first.configuration.limits.failedTokensPerMinute = 2
        first.configuration.metricsAccess = .everyone
        try await run(first) { [first] client, served async throws in
            let guess: HTTPFields = [.authorization: "Bearer guess"]
            _ = try await client.get("/tasks/t1/status", guess)
            served.change(to: first.gateway())
            _ = try await client.get("/tasks/t1/status", guess)
            served.change(to: first.gateway())
            #expect(try await client.get("/tasks/t1/status", guess).status == .tooManyRequests)
            let line = #"celeriac_gateway_requests_total{route="/tasks/{task_id}/status",method="GET",status="401"} 2"#
            #expect(try await client.get("/metrics").text.contains(line))
        }
    }

    @Test func `believes sessions of before, as long as their token is the user's`() async throws {
        let first = guarded
        try await run(first) { [first] client, served async throws in
            let browser = Browser(client)
            try await browser.logIn(.admin)
            served.change(to: first.gateway())
            #expect(try await browser.get("/admin/jobs").status == .ok)
            var second = first
            second.configuration.users = [GatewayUser(name: "admin", role: .admin, token: "another-token-of-admin")]
            served.change(to: second.gateway())
            #expect(try await browser.get("/admin/jobs").status == .unauthorized)
            // Back again: the session was never ended, its token was away.
            served.change(to: first.gateway())
            #expect(try await browser.get("/admin/jobs").status == .ok)
            try await browser.post("/admin/jobs/logout", ["csrf": browser.formToken])
            served.change(to: first.gateway())
            #expect(try await browser.get("/admin/jobs").status == .unauthorized)
        }
    }

    @Test func `shows no more to who has logged out while a page follows tasks`() async throws {
        let first = guarded
        try await run(first) { [first] client, served async throws in
            let browser = Browser(client)
            try await browser.logIn(.viewer)
            let cookie = try #require(browser[cookie: "celeriac_session"])
            async let stream = client.get("/admin/jobs/live?id=t1", [.cookie: "celeriac_session=\(cookie)"])
            while first.deployment.followers(of: "t1") == 0 { await Task.yield() }
            try await browser.get("/admin/jobs")
            try await browser.post("/admin/jobs/logout", ["csrf": browser.formToken])
            first.deployment.store(ResultRecord(taskID: "t1", status: .success, result: Array("7".utf8)))
            let seen = try await stream
            #expect(seen.status == .ok && !seen.text.contains("event: end"))
        }
    }

    @Test func `still lets those follow who are users, or whom nobody asked`() {
        let memory = GatewayMemory()
        let user = GatewayUser(name: "a", role: .viewer, token: "a-token-of-a")
        #expect(memory.admits(user) && memory.admits(nil))
        memory.admit([GatewayUser(name: "a", role: .admin, token: "a-token-of-a")], status: .everyone)
        #expect(memory.admits(user) && memory.admits(nil))
        memory.admit([GatewayUser(name: "a", role: .viewer, token: "another-token-of-a")], status: .everyone)
        #expect(!memory.admits(user) && memory.admits(nil))
        memory.admit([GatewayUser(name: "b", role: .viewer, token: "a-token-of-a")], status: .token)
        #expect(!memory.admits(user) && !memory.admits(nil))
    }

    @Test func `has started for good`() async throws {
        let first = GatewayUnderTest()
        try await run(first) { [first] client, served async throws in
            #expect(try await client.get("/startupz").status == .ok)
            first.deployment.isReachable = false
            served.change(to: first.gateway())
            #expect(try await client.get("/readyz").status == .serviceUnavailable)
            #expect(try await client.get("/startupz").status == .ok)
        }
    }

    @Test func `keeps the terms of connections where a certificate cannot be read`() throws {
        let connections = try ConnectionTerms(GatewayLimits(), nil)
        var limits = GatewayLimits()
        limits.connections = 7
        #expect(throws: (any Error).self) {
            try connections.change(
                to: limits,
                GatewayServer.Certificate(certificateFile: "/nowhere/cert.pem", keyFile: "/nowhere/key.pem")
            )
        }
        #expect(connections.terms.most == GatewayLimits().connections)
        try connections.change(to: limits, nil)
        #expect(connections.terms.most == 7)
        var limit = ConnectionLimit(terms: connections)
        for _ in 0..<7 { limit.connectionOpened() }
        #expect(!limit.isAcceptingNewConnections())
        limit.connectionClosed()
        #expect(limit.isAcceptingNewConnections())
    }

    @Test(arguments: [
        ("/api/tasks", true), ("/admin/jobs/login", true), ("/api/reports/start", false), ("/api/tasks/x", false),
    ])
    func `names addresses that it cannot give to others`(path: String, isTaken: Bool) {
        var gateway = guarded
        gateway.configuration.basePath = "/jobs"
        gateway.configuration.starts = [StartRoute(path: path, task: "a.twin")]
        #expect(gateway.gateway().takenStarts == (isTaken ? [path] : []))
    }
}

@Suite struct `What is said of an address where there is nothing` {
    @Test(arguments: [
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", true), ("text/html", true),
        ("application/json, text/html;q=0.5", false), ("*/*", false), ("", false), ("application/json", false),
        ("text/html;q=0", false), ("TEXT/HTML ; q=0.3", true), (";;,,q=", false), ("text/html;q=much", false),
    ])
    func `depends on what the client wants`(header: String, isPage: Bool) async throws {
        #expect(Accept(header).prefersPages == isPage)
        var gateway = GatewayUnderTest()
        gateway.addUsers()
        gateway.hasDashboard = true
        try await gateway.run { client async throws in
            for path in ["/nowhere", "/admin/jobs/nowhere", "/admin/queues/nowhere", "/admin/jobs/assets/none.css"] {
                let answer = try await client.get(path, [.accept: header, .acceptLanguage: "en"])
                #expect(answer.status == .notFound, "\(path)")
                let type = isPage ? "text/html; charset=utf-8" : "application/json; charset=utf-8"
                #expect(answer.headers[.contentType] == type, "\(path)")
                if isPage {
                    #expect(answer.text.contains("There is nothing here"))
                } else {
                    #expect(try answer.json["code"] == "not_found")
                }
            }
        }
    }

    @Test func `is in the visitor's language, and in JSON where programs ask`() async throws {
        var gateway = GatewayUnderTest()
        gateway.addUsers()
        gateway.hasDashboard = true
        gateway.configuration.basePath = "/jobs"
        try await gateway.run { client async throws in
            let turkish: HTTPFields = [.accept: "text/html", .acceptLanguage: "tr"]
            #expect(try await client.get("/jobs/admin/jobs/x/y/z", turkish).text.contains("Bulunamadı"))
            let program = try await client.get("/jobs/api/nowhere", turkish)
            #expect(try program.json["code"] == "not_found")
            let posted = try await client.execute(uri: "/jobs/nowhere", method: .post, headers: turkish)
            #expect(try posted.json["code"] == "not_found")
            let wrong = try await client.execute(uri: "/jobs/admin/jobs", method: .delete, headers: turkish)
            #expect(wrong.status == .methodNotAllowed)
        }
        // Without a dashboard there are no pages.
        try await GatewayUnderTest().run { client async throws in
            #expect(try await client.get("/nowhere", [.accept: "text/html"]).json["code"] == "not_found")
        }
    }
}

extension HTTPFields {
    fileprivate func merging(_ others: HTTPFields) -> HTTPFields {
        var all = self
        all.append(contentsOf: others)
        return all
    }
}
