import CeleryMessage
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Inspection
import NIOCore
import Testing

@testable import AdminGateway

@Suite struct `Sending tasks` {
    /// A gateway with users and an address of the application's own.
    private func gateway() -> GatewayUnderTest {
        var gateway = GatewayUnderTest()
        gateway.addUsers()
        var start = StartRoute(path: "/api/mutabakat/generate-pdf-async", task: "backend.tasks.pdf_tasks.generate")
        start.arguments = ["mutabakat_id"]
        gateway.configuration.starts = [start]
        return gateway
    }

    @Test func `by name puts a message into the task's queue`() async throws {
        let gateway = gateway()
        let deployment = gateway.deployment
        try await gateway.run { client async throws in
            let answer = try await client.post(
                "/api/tasks",
                #"{"task": "backend.tasks.email_tasks.send", "args": [1, "ü"], "kwargs": {"to": "a@b"}, "priority": 6}"#
            )
            #expect(answer.status == .accepted)
            let body = try answer.json
            #expect(body["success"] == true)
            #expect(body["queue"] == "email")
            #expect(body["exists"] == false)
            #expect(body["task_id"] == body["jobId"])
            let sent = try #require(deployment.sent.first)
            #expect(sent.queue == "email" && sent.priority == 6)
            let message = try TaskMessage.decode(sent.item)
            #expect(message.headers.task == "backend.tasks.email_tasks.send")
            #expect(message.headers.id == body["task_id"]?.string)
            #expect(try message.payload.arguments() == [1, "ü"])
            #expect(try message.payload.keywords() == ["to": "a@b"])
            #expect(message.headers.origin == "gen1@test")
        }
    }

    @Test func `later or not too late is written into the message`() async throws {
        let gateway = gateway()
        let deployment = gateway.deployment
        try await gateway.run { client async throws in
            for times in [
                #""countdown": 60, "expires": 3600"#,
                #""eta": "2026-09-21T17:14:20+03:00", "expires": "2026-09-21T15:13:20Z""#,
            ] {
                let body = #"{"task": "backend.tasks.email_tasks.send", \#(times)}"#
                #expect(try await client.post("/api/tasks", body).status == .accepted)
                let message = try TaskMessage.decode(try #require(deployment.sent.last).item)
                #expect(message.headers.etaInstant == Instant(seconds: 1_790_000_060))
                #expect(message.headers.expiresInstant == Instant(seconds: 1_790_003_600))
            }
        }
    }

    @Test func `with an id of one's own is done once`() async throws {
        let gateway = gateway()
        let deployment = gateway.deployment
        try await gateway.run { client async throws in
            let body = #"{"task": "backend.tasks.email_tasks.send", "id": "email:123"}"#
            #expect(try await client.post("/api/tasks", body).status == .accepted)
            let second = try await client.post("/api/tasks", body)
            #expect(second.status == .ok)
            #expect(try second.json["exists"] == true)
            #expect(try second.json["task_id"] == "email:123")
            #expect(deployment.sent.count == 1)
        }
    }

    @Test func `that ask for it get an id from the work, whatever the order of its members`() async throws {
        let gateway = gateway()
        let deployment = gateway.deployment
        try await gateway.run { client async throws in
            func id(_ kwargs: String, _ tenant: String = "acme") async throws -> String? {
                let body =
                    #"{"task": "backend.tasks.email_tasks.send", "unique": true, "tenant": "\#(tenant)", "kwargs": \#(kwargs)}"#
                return try await client.post("/api/tasks", body).json["task_id"]?.string
            }
            let first = try await id(#"{"to": "user@example.com", "n": {"b": 1, "a": [2, {"y": 1, "x": 2}]}}"#)
            let second = try await id(#"{"n": {"a": [2, {"x": 2, "y": 1}], "b": 1}, "to": "user@example.com"}"#)
            #expect(first == second)
            #expect(first?.hasPrefix("backend.tasks.email_tasks.send:acme:") == true)
            #expect(deployment.sent.count == 1)
            #expect(try await id(#"{"to": "user@example.com"}"#) != first)
            #expect(try await id(#"{"to": "user@example.com"}"#, "other") != id(#"{"to": "user@example.com"}"#))
        }
    }

    @Test func `get the id that Node's crypto makes of sorted members`() {
        // crypto.createHash('sha256').update(JSON.stringify({type: 'email', tenantId: 't1', data: {a: 1, subject: 'ü"'}}))
        let id = UniqueTaskID.make(task: "email", tenant: "t1", data: ["subject": "ü\"", "a": 1])
        #expect(id == "email:t1:" + Self.digest)
    }

    private static let digest = "356b9219defc68b1770758ce4219ce8754b75f7e6f9b37d3a55baee314fb85c3"

    @Test func `by queue and type finds the task`() async throws {
        let gateway = gateway()
        let deployment = gateway.deployment
        try await gateway.run { client async throws in
            for type in ["bookings-csv", "bookings_csv", "backend.tasks.export_tasks.bookings_csv"] {
                let answer = try await client.post(
                    "/api/v1/admin/jobs/export",
                    #"{"type": "\#(type)", "data": {"filters": {}}, "options": {"priority": 1, "delay": 1500}}"#
                )
                #expect(answer.status == .accepted)
                #expect(try answer.json["success"] == true)
                let message = try TaskMessage.decode(try #require(deployment.sent.last).item)
                #expect(message.headers.task == "backend.tasks.export_tasks.bookings_csv")
                #expect(message.headers.etaInstant == Instant(seconds: 1_790_000_001.5))
                #expect(message.properties.priority == 1)
                #expect(try answer.json["jobId"] == .string(message.headers.id))
            }
            #expect(try await client.post("/api/v1/admin/jobs/none", #"{"type": "x"}"#).status == .notFound)
            let unknown = try await client.post("/api/v1/admin/jobs/export", #"{"type": "none"}"#)
            #expect(unknown.status == .notFound)
            #expect(try unknown.json["field"] == "type")
        }
    }

    @Test func `by an address of the application's own answers with the id alone`() async throws {
        let gateway = gateway()
        let deployment = gateway.deployment
        try await gateway.run { client async throws in
            let answer = try await client.post("/api/mutabakat/generate-pdf-async", #"{"mutabakat_id": 123}"#)
            #expect(answer.status == .ok)
            let message = try TaskMessage.decode(try #require(deployment.sent.last).item)
            #expect(answer.text == #"{"task_id":"\#(message.headers.id)"}"#)
            #expect(try message.payload.keywords() == ["mutabakat_id": 123])
            let missing = try await client.post("/api/mutabakat/generate-pdf-async", "{}")
            #expect(missing.status == .badRequest)
            #expect(try missing.json["field"] == "mutabakat_id")
            let more = try await client.post(
                "/api/mutabakat/generate-pdf-async",
                #"{"mutabakat_id": 1, "admin": true}"#
            )
            #expect(try more.json["field"] == "admin")
            #expect(deployment.sent.count == 1)
        }
    }

    @Test(arguments: [
        ("", "body"), ("nonsense", "body"), ("[]", "body"), ("{}", "task"), (#"{"task": 7}"#, "task"),
        (#"{"task": ""}"#, "task"), (#"{"task": "unknown.task"}"#, "task"), (#"{"tsak": "x"}"#, "tsak"),
        (#"{"task": "T", "args": {}}"#, "args"), (#"{"task": "T", "kwargs": []}"#, "kwargs"),
        (#"{"task": "T", "queue": "none"}"#, "queue"), (#"{"task": "T", "priority": 10}"#, "priority"),
        (#"{"task": "T", "priority": "high"}"#, "priority"), (#"{"task": "T", "countdown": -1}"#, "countdown"),
        (#"{"task": "T", "countdown": 1e300}"#, "countdown"), (#"{"task": "T", "countdown": NaN}"#, "countdown"),
        (#"{"task": "T", "eta": "tomorrow"}"#, "eta"), (#"{"task": "T", "eta": 5}"#, "eta"),
        (#"{"task": "T", "countdown": 1, "eta": "2026-01-01T00:00:00Z"}"#, "eta"),
        (#"{"task": "T", "expires": "never"}"#, "expires"), (#"{"task": "T", "id": "a b"}"#, "id"),
        (#"{"task": "T", "id": ""}"#, "id"), (#"{"task": "T", "unique": 1}"#, "unique"),
        (#"{"task": "T", "unique": true, "id": "x"}"#, "unique"), (#"{"task": "T", "tenant": "a:b"}"#, "tenant"),
    ])
    func `is refused with the name of what is wrong`(body: String, field: String) async throws {
        let gateway = gateway()
        let deployment = gateway.deployment
        try await gateway.run { client async throws in
            let body = body.replacing("\"T\"", with: "\"backend.tasks.email_tasks.send\"")
            let answer = try await client.post("/api/tasks", body)
            #expect(answer.status == .badRequest)
            #expect(try answer.json["field"] == .string(field))
            #expect(deployment.sent.isEmpty)
        }
    }

    @Test(arguments: [
        ("{}", "type"), (#"{"type": "bookings-csv", "data": 1}"#, "data"),
        (#"{"type": "bookings-csv", "options": {"attempts": 0}}"#, "options.attempts"),
        (#"{"type": "bookings-csv", "options": {"delay": "1s"}}"#, "options.delay"),
        (#"{"type": "twin"}"#, "type"),
    ])
    func `by type is refused with the name of what is wrong`(body: String, field: String) async throws {
        try await gateway().run { client async throws in
            let answer = try await client.post("/api/v1/admin/jobs/export", body)
            #expect(answer.status == .badRequest)
            #expect(try answer.json["field"] == .string(field))
        }
    }

    @Test func `needs a token with the role`() async throws {
        try await gateway().run { client async throws in
            for path in ["/api/tasks", "/api/v1/admin/jobs/export", "/api/mutabakat/generate-pdf-async"] {
                #expect(try await client.post(path, "{}", nil).status == .unauthorized)
                #expect(try await client.post(path, "{}", .viewer).status == .forbidden)
                #expect(try await client.post(path, "{}", .admin).status == .badRequest)
            }
        }
    }

    @Test func `by an open address needs none`() async throws {
        var gateway = gateway()
        gateway.configuration.starts[0].access = .everyone
        try await gateway.run { client async throws in
            let answer = try await client.post("/api/mutabakat/generate-pdf-async", #"{"mutabakat_id": 1}"#, nil)
            #expect(answer.status == .ok)
        }
    }

    @Test func `takes JSON only, so that no page's form can send any`() async throws {
        let gateway = gateway()
        let deployment = gateway.deployment
        try await gateway.run { client async throws in
            for type in ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data", nil] {
                var headers = HTTPFields.bearer(.operator)
                headers[.contentType] = type
                let answer = try await client.execute(
                    uri: "/api/tasks",
                    method: .post,
                    headers: headers,
                    body: ByteBuffer(string: #"{"task": "backend.tasks.email_tasks.send"}"#)
                )
                #expect(answer.status == .unsupportedMediaType)
            }
            #expect(deployment.sent.isEmpty)
        }
    }

    @Test func `takes bodies of a bounded size and depth`() async throws {
        var gateway = gateway()
        gateway.configuration.limits.bodyBytes = 1000
        try await gateway.run { client async throws in
            let large = try await client.post("/api/tasks", #"{"task": "\#(String(repeating: "a", count: 2000))"}"#)
            #expect(large.status == .contentTooLarge)
            #expect(try large.json["field"] == "body")
            let deep = String(repeating: "[", count: 200) + String(repeating: "]", count: 200)
            let answer = try await client.post("/api/tasks", #"{"task": "x", "args": \#(deep)}"#)
            #expect(answer.status == .badRequest)
        }
    }

    @Test func `is bounded for each user`() async throws {
        var gateway = gateway()
        gateway.configuration.limits.tasksPerMinute = 2
        try await gateway.run { client async throws in
            let body = #"{"task": "backend.tasks.email_tasks.send"}"#
            for _ in 0..<2 { #expect(try await client.post("/api/tasks", body).status == .accepted) }
            let third = try await client.post("/api/tasks", body)
            #expect(third.status == .tooManyRequests)
            #expect(Int(third.headers[.retryAfter] ?? "") ?? 0 > 0)
            #expect(try await client.post("/api/tasks", body, .admin).status == .accepted)
        }
    }

    @Test func `stops where a queue is full`() async throws {
        var gateway = gateway()
        gateway.depthLimit = 1
        try await gateway.run { client async throws in
            let body = #"{"task": "backend.tasks.email_tasks.send"}"#
            #expect(try await client.post("/api/tasks", body).status == .accepted)
            let second = try await client.post("/api/tasks", body)
            #expect(second.status == .tooManyRequests)
            #expect(try second.json["code"] == "queue_full")
            #expect(second.headers[.retryAfter] == "5")
        }
    }

    @Test func `says so when Redis is away`() async throws {
        let gateway = gateway()
        gateway.deployment.isReachable = false
        try await gateway.run { client async throws in
            let answer = try await client.post("/api/tasks", #"{"task": "backend.tasks.email_tasks.send"}"#)
            #expect(answer.status == .serviceUnavailable)
            #expect(answer.headers[.retryAfter] == "2")
        }
    }

    @Test func `of tasks nobody configured may be allowed`() async throws {
        var gateway = gateway()
        gateway.catalog.allowsOthers = true
        let deployment = gateway.deployment
        try await gateway.run { client async throws in
            let answer = try await client.post("/api/tasks", #"{"task": "python.only", "queue": "python"}"#)
            #expect(answer.status == .accepted)
            #expect(deployment.sent.last?.queue == "python")
            #expect(try await client.post("/api/tasks", #"{"task": "python.only"}"#).json["queue"] == "celery")
        }
    }
}

extension TestClientProtocol {
    func post(
        _ uri: String,
        _ body: String,
        _ role: GatewayUser.Role? = .operator
    ) async throws -> TestResponse {
        var headers = role.map(HTTPFields.bearer) ?? [:]
        headers[.contentType] = "application/json"
        return try await execute(uri: uri, method: .post, headers: headers, body: ByteBuffer(string: body))
    }
}
