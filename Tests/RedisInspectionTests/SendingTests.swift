import CeleryMessage
import Inspection
import RedisClient
import RedisTransport
import TestSupport
import Testing

@testable import RedisInspection

@Suite struct `Sending a message` {
    private func message(_ id: String, priority: Int = 0, patience: Duration? = nil) throws -> OutgoingMessage {
        var message = OutgoingMessage(
            item: try InspectorUnderTest.item(id, queue: "pdf"),
            taskID: id,
            queue: "pdf",
            priority: priority
        )
        message.patience = patience
        return message
    }

    @Test func `puts it where producers of that priority do, and binds the queue`() async throws {
        try await InspectorUnderTest.run(keys: RedisKeys(prefix: "app:")) { test async throws in
            #expect(try await test.inspector.send(message("t1", priority: 7)) == .sent)
            let list = try await test.client.send(RedisCommand("LRANGE", "app:pdf\u{6}\u{16}6", "0", "-1"))
            #expect(list.array?.count == 1)
            for key in ["app:_kombu.binding.pdf", "app:_kombu.binding_permanent.pdf"] {
                let members = try await test.client.send(RedisCommand("SMEMBERS", key)).array?.compactMap(\.text)
                #expect(members == ["pdf\u{6}\u{16}\u{6}\u{16}pdf"])
            }
            #expect(try await test.client.send(RedisCommand("EXISTS", "app:celeriac:unique:t1")).int == 0)
        }
    }

    @Test func `happens once for an id that is to be unique, for a time`() async throws {
        try await InspectorUnderTest.run { test async throws in
            var unique = try message("email:acme:1")
            unique.uniqueFor = .seconds(100)
            #expect(try await test.inspector.send(unique) == .sent)
            #expect(try await test.inspector.send(unique) == .exists)
            #expect(try await test.client.send(RedisCommand("LLEN", "pdf")).int == 1)
            let left = try await test.client.send(RedisCommand("PTTL", test.keys.unique(taskID: "email:acme:1"))).int
            #expect((90_000...100_000).contains(left ?? 0))
            _ = try await test.client.send(RedisCommand("DEL", test.keys.unique(taskID: "email:acme:1")))
            #expect(try await test.inspector.send(unique) == .sent)
        }
    }

    @Test func `of the same id at once happens once`() async throws {
        try await InspectorUnderTest.run { test async throws in
            var unique = try message("same")
            unique.uniqueFor = .seconds(100)
            let outcomes = try await withThrowingTaskGroup(of: SendOutcome.self) { group in
                for _ in 0..<50 { group.addTask { [unique] in try await test.inspector.send(unique) } }
                return try await group.reduce(into: [SendOutcome]()) { $0.append($1) }
            }
            #expect(outcomes.count { $0 == .sent } == 1)
            #expect(outcomes.count { $0 == .exists } == 49)
        }
    }

    @Test func `stops at the bound, counted over all priorities`() async throws {
        try await InspectorUnderTest.run { test async throws in
            for number in 0..<3 {
                var bounded = try message("t\(number)", priority: number * 3)
                bounded.depthLimit = 3
                #expect(try await test.inspector.send(bounded) == .sent)
            }
            var fourth = try message("t4")
            fourth.depthLimit = 3
            fourth.uniqueFor = .seconds(10)
            #expect(try await test.inspector.send(fourth) == .full(depth: 3))
            // What was not sent may be sent later.
            fourth.depthLimit = 4
            #expect(try await test.inspector.send(fourth) == .sent)
        }
    }

    @Test func `is certain not to have happened where there was no connection`() async throws {
        try await InspectorUnderTest.run { test async throws in
            _ = try await test.inspector.ping()
            await test.server.kill()
            while test.inspector.connection.isUp { try await Task.sleep(for: .milliseconds(1)) }
            for patience in [Duration.milliseconds(20), nil] {
                let outgoing = try message("t1", patience: patience)
                await #expect(throws: InspectionError(.notSent, "")) {
                    _ = try await test.inspector.send(outgoing)
                }
            }
            await #expect(throws: InspectionError(.notSent, "")) {
                _ = try await test.inspector.send([try message("t1")])
            }
        }
    }

    @Test func `may have happened where no answer came`() async throws {
        try await InspectorUnderTest.run { test async throws in
            #expect(try await test.inspector.send(try message("t0")) == .sent)
            _ = try await test.client.send(RedisCommand("CLIENT", "PAUSE", "2500"))
            let outgoing = try message("t1", patience: .milliseconds(20))
            await #expect(throws: InspectionError(.unavailable, "")) {
                _ = try await test.inspector.send(outgoing)
            }
            #expect(try await test.client.send(RedisCommand("LLEN", "pdf")).int == 2)
        }
    }

    @Test func `with others puts all into their lists in order`() async throws {
        try await InspectorUnderTest.run(keys: RedisKeys(prefix: "app:")) { test async throws in
            let messages = try [message("t1"), message("t2", priority: 6), message("t3")]
            #expect(try await test.inspector.send(messages) == .sent(existing: []))
            let list = try await test.client.send(RedisCommand("LRANGE", "app:pdf", "0", "-1")).array
            #expect(list?.map(\.bytes) == [messages[2].item, messages[0].item])
            #expect(try await test.client.send(RedisCommand("LLEN", "app:pdf\u{6}\u{16}6")).int == 1)
            #expect(try await test.client.send(RedisCommand("SCARD", "app:_kombu.binding.pdf")).int == 1)
            #expect(try await test.inspector.send([]) == .sent(existing: []))
        }
    }

    @Test func `with others leaves out those that were sent before`() async throws {
        try await InspectorUnderTest.run { test async throws in
            var messages = try ["a", "b", "b", "c"].map { try message($0) }
            for place in messages.indices { messages[place].uniqueFor = .seconds(100) }
            #expect(try await test.inspector.send(messages[0]) == .sent)
            #expect(try await test.inspector.send(messages) == .sent(existing: [0, 2]))
            #expect(try await test.client.send(RedisCommand("LLEN", "pdf")).int == 3)
            let left = try await test.client.send(RedisCommand("PTTL", test.keys.unique(taskID: "c"))).int
            #expect((90_000...100_000).contains(left ?? 0))
            #expect(try await test.inspector.send(messages) == .sent(existing: [0, 1, 2, 3]))
        }
    }

    @Test func `with others sends none where not all fit`() async throws {
        try await InspectorUnderTest.run { test async throws in
            var messages = try (0..<3).map { try message("t\($0)", priority: $0 * 3) }
            for place in messages.indices { (messages[place].depthLimit, messages[place].uniqueFor) = (4, .seconds(9)) }
            #expect(try await test.inspector.send(messages) == .sent(existing: []))
            var more = try [message("t0"), message("t5"), message("t6")]
            for place in more.indices { (more[place].depthLimit, more[place].uniqueFor) = (4, .seconds(9)) }
            #expect(try await test.inspector.send(more) == .full(depth: 3))
            #expect(try await test.client.send(RedisCommand("EXISTS", test.keys.unique(taskID: "t5"))).int == 0)
            #expect(try await test.inspector.send(Array(more.dropLast())) == .sent(existing: [0]))
        }
    }
}
