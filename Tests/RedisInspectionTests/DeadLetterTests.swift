import CeleryMessage
import Inspection
import RedisClient
import RedisTransport
import Synchronization
import TestSupport
import Testing
import Transport

@testable import RedisInspection

/// Dead letters, as brokers keep them and operators treat them.
@Suite(.timeLimit(.minutes(2))) struct DeadLetterTests {
    private struct Office {
        let broker: RedisBroker
        let letters: RedisDeadLetters
        let test: InspectorUnderTest

        func fail(
            _ ids: [String],
            _ exception: ExceptionInfo = .valueError("no"),
            queue: String = "pdf",
            line: Int = 7
        ) async throws {
            let commits = try ids.map { id in
                let message = TaskMessage(task: "proj.\(queue)", id: id, kwargs: ["no": .string("INV-" + id)])
                let end = TaskEnd(
                    of: ReceivedMessage(message),
                    queue: queue,
                    state: .failure,
                    finishedAt: .now(),
                    exception: exception,
                    traceback: "Traceback (most recent call last):\n  File \"a.swift\", line \(line), in f\nno\n",
                    bound: .failed,
                    writer: HistoryWriter(worker: "w1@test")
                )
                let publication = Publication(queue: queue, priority: 0, item: try message.encode())
                let dead = DeadMessage(end: end, reason: "failed", message: publication)
                return Commit(tag: nil, acknowledges: false, effects: [.keepDead(dead)])
            }
            _ = try await broker.commit(commits)
        }

        func length(of queue: String) async throws -> Int? {
            try await test.client.send(RedisCommand("LLEN", queue)).int
        }
    }

    private func with(_ body: (Office) async throws -> Void) async throws {
        try await InspectorUnderTest.run { test in
            let broker = try await test.startBroker()
            let letters = RedisDeadLetters(test.inspector, pause: .zero)
            let outcome: Result<Void, any Error>
            do {
                outcome = .success(try await body(Office(broker: broker, letters: letters, test: test)))
            } catch {
                outcome = .failure(error)
            }
            await broker.stop()
            try outcome.get()
        }
    }

    @Test func `five hundred failures of three causes are three groups, and one of them goes back`() async throws {
        try await with { office in
            for start in stride(from: 0, to: 250, by: 50) {
                try await office.fail((start..<start + 50).map { "a\($0)" })
            }
            // The same place further down the file.
            try await office.fail((250..<300).map { "a\($0)" }, line: 9)
            try await office.fail((0..<150).map { "b\($0)" }, .typeError("no"))
            try await office.fail((0..<50).map { "c\($0)" }, queue: "email")
            let groups = try await office.letters.groups()
            #expect(groups.map(\.count) == [50, 150, 300])
            #expect(groups.map(\.kind.exception) == ["ValueError", "TypeError", "ValueError"])
            #expect(groups[2].kind.topFrame == "a.swift in f")
            var query = DeadLetterQuery()
            (query.fingerprint, query.limit) = (groups[1].fingerprint, 1000)
            #expect(try await office.letters.redrive(.matching(query), perSecond: nil) == 150)
            #expect(try await office.length(of: "pdf") == 150)
            #expect(try await office.letters.groups().map(\.count) == [50, 300])
            #expect(try await office.letters.letters(DeadLetterQuery()).total == 350)
        }
    }

    @Test func `one goes back once, under its id, with its exact bytes`() async throws {
        try await with { office in
            try await office.fail(["x", "y"])
            let letter = try #require(try await office.letters.letter(id: "x"))
            #expect((letter.list, letter.failures, letter.reason) == ("pdf", 1, "failed"))
            #expect(letter.task.failure?.traceback?.contains("line 7") == true)
            #expect(try await office.letters.redrive(.ids(["x", "x", "nobody"]), perSecond: nil) == 1)
            let items = try await office.test.client.send(RedisCommand("LRANGE", "pdf", "0", "-1")).array
            #expect(items?.compactMap(\.bytes) == [letter.item])
            #expect(try await office.letters.letter(id: "x") == nil)
            #expect(try await office.letters.letters(.init()).letters.map(\.id) == ["y"])
            let bytes = try await office.test.client.send(RedisCommand("HGET", office.test.keys.deadTotals, "bytes"))
            let facts = try await office.test.client.send(RedisCommand("HSTRLEN", office.test.keys.deadFacts, "y"))
            let message = try await office.test.client.send(RedisCommand("HSTRLEN", office.test.keys.deadMessages, "y"))
            #expect(bytes.text.flatMap { Int($0) } == (facts.int ?? 0) + (message.int ?? 0))
        }
    }

    @Test func `many go back spaced out, as parked messages`() async throws {
        try await with { office in
            try await office.fail((0..<150).map { "\($0)" })
            var query = DeadLetterQuery()
            query.limit = 1000
            let before = Instant.now().seconds
            #expect(try await office.letters.redrive(.matching(query), perSecond: 10) == 150)
            #expect(try await office.length(of: "pdf") == 0)
            let reply = try await office.test.client.send(
                RedisCommand("ZRANGE", office.test.keys.parked, "0", "-1", "WITHSCORES")
            )
            let dues = stride(from: 1, to: 300, by: 2).compactMap { reply.array?[$0].double }
            #expect(dues.count == 150)
            for (place, due) in dues.enumerated() {
                #expect((4.9...9).contains(due - before - Double(place) * 0.1))
            }
            let released = try await office.test.client.send(RedisCommand("HLEN", office.test.keys.parkedMessages))
            #expect(released.int == 150)
        }
    }

    @Test func `a letter whose queue is no list, or that was too large, stays`() async throws {
        try await with { office in
            try await office.fail(["x"], queue: "email")
            try await office.fail(["large"])
            _ = try await office.test.client.send(RedisCommand("SET", "email", "no list"))
            _ = try await office.test.client.send(
                RedisCommand("HSET", office.test.keys.deadMessages, "large", "pdf\n")
            )
            #expect(try await office.letters.redrive(.ids(["x", "large"]), perSecond: nil) == 0)
            #expect(try await office.letters.letters(.init()).total == 2)
            #expect(try await office.letters.delete(.ids(["x", "large"])) == 2)
            #expect(try await office.letters.letters(.init()).total == 0)
        }
    }

    @Test func `one that fails again after it was sent back is there again`() async throws {
        try await with { office in
            try await office.fail(["x", "y"])
            #expect(try await office.letters.letters(.init()).total == 2)
            _ = try await office.letters.redrive(.ids(["x"]), perSecond: nil)
            try await office.fail(["x"])
            let page = try await office.letters.letters(.init())
            #expect(page.letters.map(\.id) == ["x", "y"])
        }
    }

    @Test func `all are exported, a batch at a time`() async throws {
        try await with { office in
            try await office.fail((0..<230).map { "\($0)" })
            let seen = Mutex<[[String]]>([])
            try await office.letters.export(DeadLetterQuery()) { batch in
                seen.withLock { $0.append(batch.map(\.id)) }
                return batch.allSatisfy { !$0.item.isEmpty && $0.json["item"] != nil }
            }
            #expect(seen.withLock { $0.map(\.count) } == [100, 100, 30])
            #expect(seen.withLock { $0.joined().elementsEqual((0..<230).map(String.init)) })
        }
    }

    @Test func `survives strange things in its keys`() async throws {
        try await with { office in
            let keys = office.test.keys
            _ = try await office.test.client.send(RedisCommand("ZADD", keys.dead, 5, "a", 6, "b"))
            _ = try await office.test.client.send(RedisCommand("HSET", keys.deadFacts, "b", "no facts"))
            _ = try await office.test.client.send(RedisCommand("HSET", keys.deadMessages, "b", "no line break"))
            let page = try await office.letters.letters(.init())
            #expect(page.total == 2)
            #expect(try await office.letters.groups().map(\.count) == [2])
            #expect(try await office.letters.letter(id: "b") == nil)
            #expect(try await office.letters.redrive(.ids(["a", "b"]), perSecond: nil) == 0)
        }
    }
}
