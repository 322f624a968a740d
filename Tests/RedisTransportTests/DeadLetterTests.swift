import CeleryMessage
import RedisClient
import Testing
import Transport

@testable import RedisTransport

/// The messages of tasks that have failed for good.
@Suite(.timeLimit(.minutes(2))) struct DeadLetterTests {
    private func dead(_ id: String, _ item: [UInt8], queue: String = "celery", at end: Instant = .now()) -> Effect {
        .keepDead(
            DeadMessage(
                end: TaskEnd(
                    of: nil,
                    id: id,
                    name: "proj.add",
                    queue: queue,
                    state: .failure,
                    finishedAt: end,
                    exception: .valueError("no"),
                    bound: .failed,
                    writer: HistoryWriter(worker: "w1@test")
                ),
                reason: "why \"\(id)\"",
                message: Publication(queue: queue, priority: 3, item: item)
            )
        )
    }

    private func keep(_ effects: Effect..., in broker: RedisBroker) async throws {
        _ = try await broker.commit(effects.map { Commit(tag: nil, acknowledges: false, effects: [$0]) })
    }

    private func ids(_ deployment: Deployment) async throws -> [String] {
        try await deployment.texts("ZRANGE", "celeriac:dead", "0", "-1")
    }

    @Test func `are kept in the step that ends the task, with the exact bytes and the list they came from`()
        async throws
    {
        try await Deployment.with { deployment in
            let broker = try await deployment.broker("w")
            let bytes = try item("1", priority: 3)
            try await deployment.run("LPUSH", "celery", text(bytes))
            let delivery = try #require(try await broker.claim(everything("celery")).deliveries.first)
            let commit = Commit(tag: delivery.tag, acknowledges: true, effects: [dead("1", delivery.item)])
            #expect(try await broker.commit([commit]) == [.done])
            #expect(try await deployment.int("HLEN", "unacked") == 0)
            #expect(
                try await deployment.text("HGET", "celeriac:dead:messages", "1")
                    == "celery\u{6}\u{16}3\n" + text(bytes)
            )
            let stored = try #require(try await deployment.text("HGET", "celeriac:dead:facts", "1"))
            #expect(stored.hasPrefix("1\n{"))
            let facts = try JSONReader.value(Array(stored.utf8.dropFirst(2)))
            #expect((facts["q"]?.string, facts["y"]?.string) == ("celery", "why \"1\""))
            #expect(facts["e"]?.array == ["ValueError", "no"])
            // Nothing is kept of a message that somebody else has.
            #expect(try await broker.commit([commit]) == [.lost])
            #expect(try await deployment.text("HGET", "celeriac:dead:totals", "ever") == "1")
            for key in ["", ":facts", ":messages", ":totals"] {
                #expect((1...14 * 86_400).contains(try await deployment.int("TTL", "celeriac:dead" + key)))
            }
        }
    }

    @Test func `one letter stands for a task, and counts how often it failed`() async throws {
        try await Deployment.with { deployment in
            let broker = try await deployment.broker("w")
            try await keep(dead("1", [1]), dead("2", [2]), dead("1", [3]), in: broker)
            #expect(try await ids(deployment) == ["2", "1"])
            #expect(try await deployment.text("HGET", "celeriac:dead:facts", "1")?.hasPrefix("2\n") == true)
            #expect(try await deployment.text("HGET", "celeriac:dead:messages", "1") == "celery\u{6}\u{16}3\n\u{3}")
        }
    }

    @Test func `those without an id get one of their own`() async throws {
        try await Deployment.with { deployment in
            let broker = try await deployment.broker("w")
            try await keep(dead("", [1]), dead("", [2]), dead(String(repeating: "x", count: 300), [3]), in: broker)
            let ids = try await ids(deployment)
            #expect(Set(ids).count == 3)
            #expect(ids.filter { $0.hasPrefix("unreadable-") }.count == 3)
        }
    }

    @Test func `are bounded in number, bytes and age`() async throws {
        try await Deployment.with { deployment in
            let broker = try await deployment.broker("w") {
                $0.deadLetterLimit = 3
                $0.deadLetterBytes = 100_000
                $0.deadLetterTimeToLive = 100
            }
            for number in 1...5 { try await keep(dead("\(number)", [UInt8(number)]), in: broker) }
            #expect(try await ids(deployment) == ["3", "4", "5"])
            let long = [UInt8](repeating: 0x61, count: 24_000)
            try await keep(dead("a", long), dead("b", long), dead("c", long), in: broker)
            #expect(try await ids(deployment) == ["a", "b", "c"])
            #expect(try await deployment.int("HLEN", "celeriac:dead:messages") == 3)
            // Another broker with less room for them.
            let smaller = try await deployment.broker("v") {
                $0.deadLetterBytes = 100_000
                $0.deadLetterLimit = 2
            }
            try await keep(dead("d", [1]), in: smaller)
            #expect(try await ids(deployment) == ["c", "d"])
            // What is too large is told of, and left out.
            try await keep(dead("e", [UInt8](repeating: 0x61, count: 30_000)), in: smaller)
            #expect(try await deployment.text("HGET", "celeriac:dead:messages", "e") == "celery\u{6}\u{16}3\n")
            let bytes = try await deployment.text("HGET", "celeriac:dead:totals", "bytes").flatMap { Int($0) }
            var sum = 0
            for id in ["d", "e"] {
                sum += try await deployment.int("HSTRLEN", "celeriac:dead:facts", id)
                sum += try await deployment.int("HSTRLEN", "celeriac:dead:messages", id)
            }
            #expect(bytes == sum)
            // Too old: as if they had come long ago.
            try await deployment.run("ZADD", "celeriac:dead", "XX", "1000", "d")
            try await keep(dead("f", [1]), in: broker)
            #expect(try await ids(deployment) == ["e", "f"])
        }
    }

    @Test(arguments: ["celeriac:dead", "celeriac:dead:facts", "celeriac:dead:messages", "celeriac:dead:totals"])
    func `a key that holds something else keeps no task from ending`(_ key: String) async throws {
        try await Deployment.with { deployment in
            let broker = try await deployment.broker("w")
            try await deployment.run("SET", key, "something")
            try await deployment.run("LPUSH", "celery", text(try item("1")))
            let delivery = try #require(try await broker.claim(everything("celery")).deliveries.first)
            let effects = [dead("1", delivery.item), .store(record("1", .failure))]
            let commit = Commit(tag: delivery.tag, acknowledges: true, effects: effects)
            #expect(try await broker.commit([commit]) == [.done])
            #expect(try await deployment.int("HLEN", "unacked") == 0)
            #expect(try await deployment.text("GET", "celery-task-meta-1") != nil)
            #expect(try await deployment.text("GET", key) == "something")
        }
    }
}
