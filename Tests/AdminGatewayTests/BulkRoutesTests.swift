import CeleryMessage
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Inspection
import Testing

@testable import AdminGateway

@Suite struct `Sending many tasks at once` {
    private func gateway() -> GatewayUnderTest {
        var gateway = GatewayUnderTest()
        gateway.addUsers()
        return gateway
    }

    private static let task = "backend.tasks.email_tasks.send"

    @Test func `puts each into the queue and names their ids in order`() async throws {
        let gateway = gateway()
        let deployment = gateway.deployment
        try await gateway.run { client async throws in
            let answer = try await client.post(
                "/api/tasks/bulk",
                """
                {"task": "\(Self.task)", "priority": 3, "items": [
                    {"kwargs": {"to": "a@b"}}, {"args": [1], "id": "mail:2"}, {}
                ]}
                """
            )
            #expect(answer.status == .accepted)
            let body = try answer.json
            #expect(body["success"] == true && body["count"] == 3 && body["queue"] == "email")
            #expect(body["exists"] == [])
            let messages = try deployment.sent.map { try TaskMessage.decode($0.item) }
            #expect(body["task_ids"]?.array == messages.map { .string($0.headers.id) })
            #expect(messages[1].headers.id == "mail:2")
            #expect(try messages.map { try $0.payload.keywords() } == [["to": "a@b"], [:], [:]])
            #expect(messages.map(\.headers.eta) == [nil, nil, nil])
            #expect(deployment.sent.map(\.priority) == [3, 3, 3])
        }
    }

    @Test(arguments: [
        ("", [nil, 0.1, 0.2]), (#""countdown": 60,"#, [60, 60.1, 60.2]),
        (#""eta": "2026-09-21T17:14:20+03:00","#, [60, 60.1, 60.2]),
    ])
    func `staggers them evenly`(start: String, offsets: [Double?]) async throws {
        let gateway = gateway()
        let deployment = gateway.deployment
        try await gateway.run { client async throws in
            let body = #"{"task": "\#(Self.task)", \#(start) "stagger": 100, "items": [{}, {}, {}]}"#
            #expect(try await client.post("/api/tasks/bulk", body).status == .accepted)
            let etas = try deployment.sent.map { try TaskMessage.decode($0.item).headers.etaInstant }
            #expect(etas == offsets.map { offset in offset.map { Instant(seconds: 1_790_000_000 + $0) } })
        }
    }

    @Test func `as clients of BullMQ describe them`() async throws {
        let gateway = gateway()
        let deployment = gateway.deployment
        try await gateway.run { client async throws in
            let answer = try await client.post(
                "/api/v1/admin/jobs/export/bulk",
                """
                {"type": "bookings-csv", "jobs": [
                    {"data": {"page": 1}, "options": {"jobId": "export:1"}},
                    {"data": {"page": 2}, "options": {"delay": 100, "priority": 9}},
                    {"type": "a.twin", "data": {"page": 3}}
                ]}
                """
            )
            #expect(answer.status == .accepted)
            #expect(try answer.json["count"] == 3)
            let messages = try deployment.sent.map { try TaskMessage.decode($0.item) }
            #expect(messages.map(\.headers.task).last == "a.twin")
            #expect(try answer.json["jobIds"]?.array == messages.map { .string($0.headers.id) })
            #expect(messages[0].headers.id == "export:1")
            #expect(messages[1].headers.etaInstant == Instant(seconds: 1_790_000_000.1))
            #expect(deployment.sent.map(\.priority) == [0, 9, 0])
            #expect(try await client.post("/api/v1/admin/jobs/none/bulk", #"{"jobs": [{}]}"#).status == .notFound)
        }
    }

    @Test func `leaves out those that were sent before, and says which`() async throws {
        let gateway = gateway()
        let deployment = gateway.deployment
        try await gateway.run { client async throws in
            let one = #"{"task": "\#(Self.task)", "id": "mail:1"}"#
            #expect(try await client.post("/api/tasks", one).status == .accepted)
            let body = #"{"task": "\#(Self.task)", "items": [{"id": "mail:1"}, {"id": "mail:2"}, {"id": "mail:2"}]}"#
            let answer = try await client.post("/api/tasks/bulk", body)
            #expect(answer.status == .accepted)
            #expect(try answer.json["count"] == 1)
            #expect(try answer.json["exists"] == ["mail:1", "mail:2"])
            #expect(deployment.sent.map(\.taskID) == ["mail:1", "mail:2"])
            let again = try await client.post("/api/tasks/bulk", body)
            #expect(again.status == .ok)
            #expect(try again.json["count"] == 0)
        }
    }

    @Test func `gives equal work one id where that is asked for`() async throws {
        let gateway = gateway()
        try await gateway.run { client async throws in
            let items = #"[{"kwargs": {"a": 1, "b": 2}}, {"kwargs": {"b": 2, "a": 1}}, {"kwargs": {"a": 2}}]"#
            let body = #"{"task": "\#(Self.task)", "unique": true, "tenant": "acme", "items": \#(items)}"#
            let answer = try await client.post("/api/tasks/bulk", body).json
            let ids = (answer["task_ids"]?.array ?? []).compactMap(\.string)
            try #require(ids.count == 3)
            #expect(ids[0] == ids[1] && ids[1] != ids[2])
            #expect(ids.allSatisfy { $0.hasPrefix(Self.task + ":acme:") })
            #expect(answer["count"] == 2)
        }
    }

    /// Sends a body that is taken, and once more, which is too much; answers the refusal.
    private func sendTwice(
        _ body: String,
        _ client: any TestClientProtocol,
        refused code: String
    ) async throws -> TestResponse {
        #expect(try await client.post("/api/tasks/bulk", body).status == .accepted)
        let second = try await client.post("/api/tasks/bulk", body)
        #expect(second.status == .tooManyRequests)
        #expect(try second.json["code"]?.string == code)
        return second
    }

    @Test func `sends none where not all fit into the queue`() async throws {
        var gateway = gateway()
        gateway.depthLimit = 3
        let deployment = gateway.deployment
        try await gateway.run { client async throws in
            let body = #"{"task": "\#(Self.task)", "items": [{}, {}]}"#
            _ = try await sendTwice(body, client, refused: "queue_full")
            #expect(deployment.sent.count == 2)
        }
    }

    @Test func `counts every one of them against the user's bound`() async throws {
        var gateway = gateway()
        gateway.configuration.limits.tasksPerMinute = 3
        let deployment = gateway.deployment
        try await gateway.run { client async throws in
            let body = #"{"task": "\#(Self.task)", "items": [{}, {}, {}]}"#
            let second = try await sendTwice(body, client, refused: "too_many_tasks")
            #expect(Int(second.headers[.retryAfter] ?? "") ?? 0 > 0)
            #expect(deployment.sent.count == 3)
            let many = #"{"task": "\#(Self.task)", "items": [{}, {}, {}, {}, {}, {}]}"#
            let third = try await client.post("/api/tasks/bulk", many, .admin)
            #expect(third.status == .badRequest)
            #expect(try third.json["field"] == "items")
        }
    }

    @Test(arguments: [
        (#"{"items": [{}]}"#, "task"), (#"{"task": "T"}"#, "items"), (#"{"task": "T", "items": []}"#, "items"),
        (#"{"task": "T", "items": {}}"#, "items"), (#"{"task": "T", "items": [{}, 5]}"#, "items[1]"),
        (#"{"task": "T", "items": [{}, {}, {}, {"kwargs": []}]}"#, "items[3].kwargs"),
        (#"{"task": "T", "items": [{"args": {}}]}"#, "items[0].args"),
        (#"{"task": "T", "items": [{"id": "a b"}]}"#, "items[0].id"),
        (#"{"task": "T", "items": [{"queue": "pdf"}]}"#, "items[0].queue"),
        (#"{"task": "T", "unique": true, "items": [{"id": "x"}]}"#, "items[0].unique"),
        (#"{"task": "T", "items": [{}], "stagger": -1}"#, "stagger"),
        (#"{"task": "T", "items": [{}], "stagger": 3600001}"#, "stagger"),
        (#"{"task": "T", "items": [{}], "args": []}"#, "args"),
        (#"{"task": "T", "items": [{}], "tenant": ":"}"#, "tenant"),
    ])
    func `is refused with the name of what is wrong`(body: String, field: String) async throws {
        let gateway = gateway()
        let deployment = gateway.deployment
        try await gateway.run { client async throws in
            let answer = try await client.post("/api/tasks/bulk", body.replacing("\"T\"", with: "\"\(Self.task)\""))
            #expect(answer.status == .badRequest)
            #expect(try answer.json["field"] == .string(field))
            #expect(deployment.sent.isEmpty)
        }
    }

    @Test(arguments: [
        (#"{"jobs": [{}]}"#, "jobs[0].type", HTTPResponse.Status.badRequest),
        (#"{"jobs": [{"type": "none"}]}"#, "jobs[0].type", .notFound),
        (#"{"type": "bookings-csv", "jobs": [{}, {"data": 1}]}"#, "jobs[1].data", .badRequest),
        (#"{"type": "bookings-csv", "jobs": [{"options": {"delay": "1s"}}]}"#, "jobs[0].options.delay", .badRequest),
        (#"{"type": "bookings-csv", "jobs": [{"opts": {}}]}"#, "jobs[0].opts", .badRequest),
        (#"{"type": "bookings-csv", "jobs": [{"tenant": ":"}]}"#, "jobs[0].tenant", .badRequest),
    ])
    func `by type is refused with the name of what is wrong`(
        body: String,
        field: String,
        status: HTTPResponse.Status
    ) async throws {
        try await gateway().run { client async throws in
            let answer = try await client.post("/api/v1/admin/jobs/export/bulk", body)
            #expect(answer.status == status)
            #expect(try answer.json["field"] == .string(field))
        }
    }

    @Test func `needs a token with the role`() async throws {
        try await gateway().run { client async throws in
            for path in ["/api/tasks/bulk", "/api/v1/admin/jobs/export/bulk"] {
                #expect(try await client.post(path, "{}", nil).status == .unauthorized)
                #expect(try await client.post(path, "{}", .viewer).status == .forbidden)
                #expect(try await client.post(path, "{}", .admin).status == .badRequest)
            }
        }
    }
}
