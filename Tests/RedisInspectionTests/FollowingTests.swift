import CeleryMessage
import Inspection
import RedisClient
import RedisTransport
import TestSupport
import Testing

@testable import RedisInspection

@Suite struct `Following a task's record` {
    private static let record = Array(#"{"status": "SUCCESS", "result": 7, "task_id": "t1"}"#.utf8)

    @Test func `tells each follower of a change`() async throws {
        try await InspectorUnderTest.run { test in
            let followers = try await [test.inspector.changes(of: "t1"), test.inspector.changes(of: "t1")]
            let other = try await test.inspector.changes(of: "t2")
            #expect(try await test.publish("t1") == 1)
            for follower in followers {
                var iterator = follower.makeAsyncIterator()
                #expect(await iterator.next() != nil)
            }
            other.finish()
            var iterator = other.makeAsyncIterator()
            #expect(await iterator.next() == nil)
        }
    }

    @Test func `takes one connection for everybody and leaves channels nobody follows`() async throws {
        try await InspectorUnderTest.run { test in
            let followers = try await withThrowingTaskGroup(of: ResultChanges.self) { group in
                for number in 0..<300 { group.addTask { try await test.inspector.changes(of: "t\(number % 100)") } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(try await test.channels() == 100)
            #expect(try await test.subscribers() == 1)
            for follower in followers { follower.finish() }
            while try await test.channels() > 0 { await Task.yield() }
            let again = try await test.inspector.changes(of: "t1")
            #expect(try await test.publish("t1") == 1)
            var iterator = again.makeAsyncIterator()
            #expect(await iterator.next() != nil)
        }
    }

    @Test func `tells everybody to look once a lost connection is back`() async throws {
        try await InspectorUnderTest.run { test in
            let follower = try await test.inspector.changes(of: "t1")
            _ = try await test.client.send(RedisCommand("CLIENT", "KILL", "TYPE", "pubsub"))
            var iterator = follower.makeAsyncIterator()
            #expect(await iterator.next() != nil)
            while try await test.channels() < 1 { await Task.yield() }
            #expect(try await test.publish("t1") == 1)
            #expect(await iterator.next() != nil)
        }
    }

    @Test func `ends when the inspector is closed`() async throws {
        try await InspectorUnderTest.run { test in
            let follower = try await test.inspector.changes(of: "t1")
            await test.inspector.close()
            var iterator = follower.makeAsyncIterator()
            while await iterator.next() != nil {}
            await #expect(throws: InspectionError(.unavailable, "")) { _ = try await test.inspector.changes(of: "t1") }
        }
    }

    @Test func `reads a record and for how long it lives`() async throws {
        try await InspectorUnderTest.run(keys: RedisKeys(resultPrefix: "app_")) { test in
            #expect(try await test.inspector.record(taskID: "t1") == nil)
            _ = try await test.client.send(RedisCommand("SET", "app_celery-task-meta-t1", Self.record))
            #expect(try await test.inspector.record(taskID: "t1") == StoredRecord(bytes: Self.record, timeToLive: nil))
            _ = try await test.client.send(RedisCommand("EXPIRE", "app_celery-task-meta-t1", 100))
            let left = try #require(try await test.inspector.record(taskID: "t1")?.timeToLive)
            #expect((.seconds(90)...(.seconds(100))).contains(left))
        }
    }

    @Test func `says that Redis is away while it is`() async throws {
        try await InspectorUnderTest.run { test in
            try await test.inspector.ping()
            await test.server.kill()
            await #expect(throws: InspectionError(.unavailable, "")) { try await test.inspector.ping() }
            await #expect(throws: InspectionError(.unavailable, "")) {
                _ = try await test.inspector.record(taskID: "t1")
            }
            try await test.server.restart()
            while (try? await test.inspector.ping()) == nil { await Task.yield() }
        }
    }

    @Test func `says what waiting does not mend`() async throws {
        try await InspectorUnderTest.run { test in
            var redis = test.client.configuration
            redis.password = "wrong"
            redis.username = "nobody"
            let configuration = RedisInspectionConfiguration(
                transport: RedisTransportConfiguration(broker: redis, results: nil),
                queues: []
            )
            let inspector = RedisInspector(
                configuration: configuration,
                eventLoop: test.client.eventLoop,
                logger: test.inspector.logger
            )
            await #expect(throws: InspectionError(.refused, "")) { try await inspector.connect() }
            await #expect(throws: InspectionError(.noResultBackend, "")) {
                _ = try await inspector.record(taskID: "t1")
            }
            await inspector.close()
        }
    }
}

extension InspectorUnderTest {
    /// Publishes a record as a worker does; answers how many connections heard it.
    fileprivate func publish(_ id: String) async throws -> Int? {
        try await client.send(RedisCommand("PUBLISH", keys.result(taskID: id), "{}")).int
    }

    fileprivate func channels() async throws -> Int {
        try await client.send(RedisCommand("PUBSUB", "CHANNELS")).array?.count ?? 0
    }

    fileprivate func subscribers() async throws -> Int {
        let text = try await client.send(RedisCommand("CLIENT", "LIST", "TYPE", "pubsub")).text ?? ""
        return text.split(whereSeparator: \.isNewline).count
    }
}
