import CeleryMessage
import Inspection
import RedisClient
import RedisTransport
import Testing

@testable import RedisInspection

@Suite struct `Counting what there is` {
    @Test func `counts what is held, parked and dead, and who lives`() async throws {
        try await InspectorUnderTest.run { test async throws in
            for (tag, queue) in [("w:1", "pdf"), ("w:2", "pdf"), ("w:3", "elsewhere")] {
                let stored =
                    Array("[".utf8) + (try InspectorUnderTest.item(tag, queue: queue))
                    + Array(", \"\", \"\(queue)\"]".utf8)
                _ = try await test.client.send(RedisCommand("HSET", test.keys.unacked, tag, stored))
            }
            let now = Instant.now().seconds
            _ = try await test.client.send([
                RedisCommand("ZADD", test.keys.parked, 5, "a:00000001", 6, "b:00000001"),
                RedisCommand("ZADD", test.keys.dead, 1, "x"),
                RedisCommand("ZADD", test.keys.workers, now, "alive", now - 100, "dead"),
            ])
            let counts = try await test.inspector.counts()
            #expect(counts.held == 3)
            #expect(counts.parked == 2)
            #expect(counts.dead == 1)
            #expect(counts.workers == 1)
            #expect((counts.memory ?? 0) > 100_000)
        }
    }

    @Test func `counts nothing where there is nothing, or something of another kind`() async throws {
        try await InspectorUnderTest.run(queues: ["pdf"]) { test async throws in
            _ = try await test.client.send(RedisCommand("SET", test.keys.parked, "no sorted set"))
            let counts = try await test.inspector.counts()
            #expect(counts.held == 0 && counts.parked == 0 && counts.workers == 0)
        }
    }
}
