import CeleryMessage
import HTTPTypes
import HummingbirdTesting
import Inspection
import NIOCore
import Testing

@testable import AdminGateway

@Suite struct `Polling for a status` {
    static let id = "t1"
    static let path = "/api/tasks/t1/status"

    static func progress(_ current: Int) -> ResultRecord {
        ResultRecord(taskID: id, status: .progress, result: Array(#"{"current": \#(current), "total": 5}"#.utf8))
    }

    static let success = ResultRecord(taskID: id, status: .success, result: Array("7".utf8))

    @Test func `is told how often to poll until the end`() async throws {
        var gateway = GatewayUnderTest()
        gateway.configuration.pollingSeconds = 3
        let deployment = gateway.deployment
        try await gateway.run { client async throws in
            #expect(try await client.get(Self.path).headers[.retryAfter] == "3")
            deployment.store(Self.success)
            #expect(try await client.get(Self.path).headers[.retryAfter] == nil)
        }
    }

    @Test func `with the tag of what is known costs no body`() async throws {
        let gateway = GatewayUnderTest()
        gateway.deployment.store(Self.progress(1))
        let deployment = gateway.deployment
        try await gateway.run { client async throws in
            let first = try await client.get(Self.path)
            let tag = try #require(first.headers[.eTag])
            let second = try await client.get(Self.path, [.ifNoneMatch: "\"other\", \(tag)"])
            #expect(second.status == .notModified)
            #expect(second.body.readableBytes == 0)
            #expect(second.headers[.eTag] == tag)
            deployment.store(Self.progress(2))
            let third = try await client.get(Self.path, [.ifNoneMatch: tag])
            #expect(third.status == .ok)
            #expect(third.headers[.eTag] != tag)
        }
    }

    @Test func `may wait for the next change`() async throws {
        let gateway = GatewayUnderTest()
        gateway.deployment.store(Self.progress(1))
        let deployment = gateway.deployment
        try await gateway.run { client async throws in
            async let answer = client.get(Self.path + "?wait=30")
            await deployment.waitForFollower(of: Self.id)
            deployment.store(Self.progress(2))
            #expect(try await answer.json["current"] == 2)
            // The answer may be there before its follower has gone.
            while deployment.followers(of: Self.id) > 0 { await Task.yield() }
        }
    }

    @Test func `does not wait for a task that has ended`() async throws {
        let gateway = GatewayUnderTest()
        gateway.deployment.store(Self.success)
        try await gateway.run { client async throws in
            let answer = try await client.get(Self.path + "?wait=60")
            #expect(try answer.json["state"] == "SUCCESS")
        }
    }

    @Test func `does not wait where the client has an old state`() async throws {
        let gateway = GatewayUnderTest()
        gateway.deployment.store(Self.progress(1))
        try await gateway.run { client async throws in
            let answer = try await client.get(Self.path + "?wait=60", [.ifNoneMatch: "\"0123456789abcdef\""])
            #expect(try answer.json["current"] == 1)
        }
    }

    @Test func `gets what there is when the wait is over`() async throws {
        let gateway = GatewayUnderTest()
        gateway.deployment.store(Self.progress(1))
        try await gateway.run { client async throws in
            #expect(try await client.get(Self.path + "?wait=0.05").json["current"] == 1)
            let tag = try #require(try await client.get(Self.path).headers[.eTag])
            let same = try await client.get(Self.path + "?wait=0.05", [.ifNoneMatch: tag])
            #expect(same.status == .notModified)
        }
    }

    @Test func `sees a change between its first look and its subscription`() async throws {
        let gateway = GatewayUnderTest()
        gateway.deployment.store(Self.progress(1))
        let deployment = gateway.deployment
        try await gateway.run { client async throws in
            async let answer = client.get(Self.path + "?wait=30")
            await deployment.waitForFollower(of: Self.id)
            deployment.store(Self.success)
            #expect(try await answer.json["state"] == "SUCCESS")
        }
    }

    @Test func `is refused where too many wait`() async throws {
        var gateway = GatewayUnderTest()
        gateway.configuration.limits.followers = 1
        let deployment = gateway.deployment
        try await gateway.run { client async throws in
            async let first = client.get("/tasks/a/status?wait=30")
            await deployment.waitForFollower(of: "a")
            let second = try await client.get("/tasks/b/status?wait=30")
            #expect(second.status == .serviceUnavailable)
            #expect(second.headers[.retryAfter] == "5")
            #expect(try await client.get("/tasks/b/status").status == .ok)
            deployment.store(ResultRecord(taskID: "a", status: .success))
            _ = try await first
            #expect(try await client.get("/tasks/b/status?wait=0.01").status == .ok)
        }
    }

    @Test(arguments: [
        ("wait=soon", "wait"), ("wait=-1", "wait"), ("wait=61", "wait"), ("wait=nan", "wait"),
        ("strict=maybe", "strict"),
        ("locale=de", "locale"), ("plain=2", "plain"), ("wiat=5", "wiat"), ("wait=1&wait=2", "wait"),
    ])
    func `is refused with the name of what is wrong`(query: String, field: String) async throws {
        try await GatewayUnderTest().run { client async throws in
            let answer = try await client.get(Self.path + "?" + query)
            #expect(answer.status == .badRequest)
            #expect(try answer.json["field"] == .string(field))
            #expect(try answer.json["success"] == false)
        }
    }

    @Test(arguments: ["%20", "a%00b", "a%0d%0aX-Evil:1", "%ff", "a%C2%85", String(repeating: "x", count: 256)])
    func `is refused for ids that no task can have`(id: String) async throws {
        try await GatewayUnderTest().run { client async throws in
            for route in ["status", "events"] {
                let answer = try await client.get("/tasks/\(id)/\(route)")
                #expect(answer.status == .badRequest)
                #expect(try answer.json["field"] == "task_id")
            }
        }
    }

    @Test(arguments: [("email%3A42", "email:42"), ("%C3%B6deme-1", "ödeme-1"), ("a%2Fb", "a/b")])
    func `takes ids of any making`(written: String, id: String) async throws {
        let gateway = GatewayUnderTest()
        gateway.deployment.store(ResultRecord(taskID: id, status: .success))
        try await gateway.run { client async throws in
            let answer = try await client.get("/tasks/\(written)/status")
            #expect(try answer.json["state"] == "SUCCESS")
        }
    }

    @Test func `is told when Redis is away, and no more than that`() async throws {
        let gateway = GatewayUnderTest()
        gateway.deployment.isReachable = false
        try await gateway.run { client async throws in
            for path in [Self.path, "/tasks/t1/events"] {
                let answer = try await client.get(path)
                #expect(answer.status == .serviceUnavailable)
                #expect(answer.headers[.retryAfter] == "2")
                #expect(try answer.json["error"] == "Redis does not answer.")
            }
        }
    }

    @Test func `is not told that Redis is away when it only refuses a command`() {
        let error = GatewayError.deployment(InspectionError(.refused, "WRONGTYPE of something"))
        #expect(error.status == .serviceUnavailable)
        #expect(error.message == "Redis refused a command; the gateway's log says why.")
    }

    @Test func `is told when a record cannot be read`() async throws {
        let gateway = GatewayUnderTest()
        gateway.deployment.store(Array("no json".utf8), for: Self.id)
        try await gateway.run { client async throws in
            let answer = try await client.get(Self.path)
            #expect(answer.status == .internalServerError)
            #expect(try answer.json["code"] == "undecodable")
        }
    }

    @Test func `stands below the base path`() async throws {
        var gateway = GatewayUnderTest()
        gateway.configuration.basePath = "/jobs"
        try await gateway.run { client async throws in
            #expect(try await client.get("/jobs/tasks/t1/status").status == .ok)
            #expect(try await client.get("/tasks/t1/status").status == .notFound)
            #expect(try await client.get("/livez").status == .ok)
        }
    }

    @Test func `may be for those with a token only`() async throws {
        var gateway = GatewayUnderTest()
        gateway.addUsers()
        gateway.configuration.statusAccess = .token
        try await gateway.run { client async throws in
            #expect(try await client.get(Self.path).status == .unauthorized)
            #expect(try await client.get("/tasks/t1/events").status == .unauthorized)
            #expect(try await client.get(Self.path, .bearer(.viewer)).status == .ok)
            #expect(try await client.get("/readyz").status == .ok)
        }
    }
}

@Suite struct `Following a task's events` {
    static let success = ResultRecord(taskID: "t1", status: .success, result: Array("7".utf8))

    @Test func `gives each state and the end`() async throws {
        let gateway = GatewayUnderTest()
        let deployment = gateway.deployment
        try await gateway.run { client async throws in
            async let answer = client.get("/api/tasks/t1/events?plain=1")
            await deployment.waitForFollower(of: "t1")
            deployment.store(Self.success)
            let response = try await answer
            #expect(response.headers[.contentType] == "text/event-stream")
            #expect(response.headers[.cacheControl] == "no-store")
            let events = response.text.components("\n\n")
            #expect(events.first == "retry: 2000")
            #expect(events.suffix(1) == ["event: end\ndata: {}"])
            let last = try #require(events.dropLast().last)
            #expect(last.hasPrefix("event: status\nid: "))
            #expect(
                last.hasSuffix(
                    "\ndata: {\"state\":\"SUCCESS\",\"current\":100,\"total\":100,\"status\":\"Tamamlandı\",\"result\":7}"
                )
            )
            #expect(deployment.followers(of: "t1") == 0)
        }
    }

    @Test func `ends at once for a task that has ended`() async throws {
        let gateway = GatewayUnderTest()
        gateway.deployment.store(Self.success)
        try await gateway.run { client async throws in
            let text = try await client.get("/tasks/t1/events").text
            #expect(text.components("event: status").count == 2)
            #expect(text.hasSuffix("event: end\ndata: {}\n\n"))
        }
    }

    @Test func `tells a browser that comes back after the end to stop`() async throws {
        let gateway = GatewayUnderTest()
        gateway.deployment.store(Self.success)
        try await gateway.run { client async throws in
            let text = try await client.get("/tasks/t1/events").text
            let id = try #require(text.components("\n").first { $0.hasPrefix("id: ") }?.dropFirst(4))
            let again = try await client.get("/tasks/t1/events", [.lastEventID: String(id)])
            #expect(again.status == .noContent)
        }
    }
}

extension InMemoryDeployment {
    /// Waits until somebody follows a task.
    func waitForFollower(of taskID: String) async {
        while followers(of: taskID) == 0 { await Task.yield() }
    }
}

extension String {
    /// The parts between a separator, empty ones left out.
    func components(_ separator: String) -> [String] {
        split(separator: separator, omittingEmptySubsequences: true).map(String.init)
    }
}
