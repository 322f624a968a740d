import Alerts
import CeleryMessage
import Inspection
import RedisClient
import RedisTransport
import Synchronization
import TestSupport
import Testing
import Transport

@testable import RedisInspection

/// What gateways share about alerts, on Redis.
@Suite(.timeLimit(.minutes(2))) struct AlertLedgerTests {
    /// Keeps a dead letter as a worker does.
    private func fail(_ ids: [String], _ broker: RedisBroker) async throws {
        let commits = try ids.map { id in
            let message = TaskMessage(task: "proj.pdf", id: id, kwargs: ["token": "a secret"], queue: "pdf")
            let end = TaskEnd(
                of: ReceivedMessage(message),
                queue: "pdf",
                state: .failure,
                finishedAt: .now(),
                exception: .valueError("no"),
                traceback: "Traceback (most recent call last):\n  File \"a.swift\", line 7, in f\nno\n",
                bound: .failed,
                writer: HistoryWriter(worker: "w1@test")
            )
            let publication = Publication(queue: "pdf", priority: 0, item: try message.encode())
            return Commit(
                tag: nil,
                acknowledges: false,
                effects: [.keepDead(DeadMessage(end: end, reason: "failed", message: publication))]
            )
        }
        _ = try await broker.commit(commits)
    }

    private func with(_ body: (InspectorUnderTest, RedisBroker) async throws -> Void) async throws {
        try await InspectorUnderTest.run { test in
            let broker = try await test.startBroker()
            let outcome: Result<Void, any Error>
            do {
                outcome = .success(try await body(test, broker))
            } catch {
                outcome = .failure(error)
            }
            await broker.stop()
            try outcome.get()
        }
    }

    // MARK: The turn

    @Test func `it is one gateway's turn until it leaves`() async throws {
        try await InspectorUnderTest.run { test in
            let (one, other) = (RedisAlertLedger(test.inspector), RedisAlertLedger(test.inspector))
            #expect(try await one.takeTurn())
            #expect(try await !other.takeTurn())
            #expect(try await one.takeTurn())
            // Not the other's to leave, and not its to write.
            try await other.leaveTurn()
            #expect(try await !other.keep(["told": 1], of: "slack"))
            #expect(try await other.state(of: "slack") == nil)
            #expect(try await !other.takeTurn())
            try await one.leaveTurn()
            #expect(try await !one.keep(["told": 2], of: "slack"))
            #expect(try await other.takeTurn())
            #expect(try await !one.takeTurn())
        }
    }

    @Test func `a turn that is not kept ends by itself`() async throws {
        try await InspectorUnderTest.run { test in
            let (one, other) = (RedisAlertLedger(test.inspector), RedisAlertLedger(test.inspector))
            #expect(try await one.takeTurn())
            let left = try await test.client.send(RedisCommand("PTTL", test.keys.alertsTurn)).int ?? 0
            #expect((1...10_000).contains(left))
            // As if the one had been dead for so long.
            _ = try await test.client.send(RedisCommand("PEXPIRE", test.keys.alertsTurn, "1"))
            while try await !other.takeTurn() { try await Task.sleep(for: .milliseconds(1)) }
            #expect(try await !one.keep(["told": 1], of: "slack"))
            #expect(try await !one.takeTurn())
        }
    }

    // MARK: What was told

    @Test func `what was told is remembered for each hook, and for a time`() async throws {
        try await InspectorUnderTest.run { test in
            let ledger = RedisAlertLedger(test.inspector)
            #expect(try await ledger.state(of: "slack") == nil)
            #expect(try await ledger.takeTurn())
            #expect(try await ledger.keep(["position": 7, "text": "ü"], of: "slack"))
            #expect(try await ledger.keep(["position": 9], of: "mail"))
            // By whoever asks, whosever turn it is.
            let other = RedisAlertLedger(test.inspector)
            #expect(try await other.state(of: "slack") == ["position": 7, "text": "ü"])
            #expect(try await other.state(of: "mail") == ["position": 9])
            let left = try await test.client.send(RedisCommand("TTL", test.keys.alerts)).int ?? 0
            #expect((RedisAlertLedger.lifetime - 60...RedisAlertLedger.lifetime).contains(Int(left)))
        }
    }

    @Test func `what somebody else wrote there counts as nothing, and is no end of telling`() async throws {
        try await InspectorUnderTest.run { test in
            let ledger = RedisAlertLedger(test.inspector)
            _ = try await test.client.send(RedisCommand("HSET", test.keys.alerts, "slack", "{not json"))
            #expect(try await ledger.state(of: "slack") == nil)
            #expect(try await ledger.takeTurn())
            #expect(try await ledger.keep(["position": 1], of: "slack"))
            #expect(try await ledger.state(of: "slack") == ["position": 1])
            _ = try await test.client.send(RedisCommand("SET", test.keys.alerts, "no hash"))
            await #expect(throws: InspectionError.self) { try await ledger.keep(["position": 2], of: "slack") }
            await #expect(throws: InspectionError.self) { _ = try await ledger.state(of: "slack") }
            _ = try await test.client.send(RedisCommand("SET", test.keys.dead, "no sorted set"))
            await #expect(throws: InspectionError.self) { _ = try await ledger.newest() }
            await #expect(throws: InspectionError.self) { _ = try await ledger.letters(after: 0, limit: 1) }
        }
    }

    // MARK: Letters

    @Test func `letters come in their order, from a position on, without their messages`() async throws {
        try await with { test, broker in
            let ledger = RedisAlertLedger(test.inspector)
            #expect(try await ledger.newest() == 0)
            #expect(try await ledger.letters(after: 0, limit: 10).isEmpty)
            try await fail(["a", "b", "c"], broker)
            let all = try await ledger.letters(after: 0, limit: 10)
            #expect(all.map(\.letter.id) == ["a", "b", "c"])
            #expect(all.map(\.position) == all.map(\.position).sorted() && Set(all.map(\.position)).count == 3)
            #expect(all.allSatisfy { $0.letter.task.name == "proj.pdf" && $0.letter.item.isEmpty })
            #expect(try await ledger.newest() == all.last?.position)
            #expect(try await ledger.letters(after: all[0].position, limit: 1).map(\.letter.id) == ["b"])
            #expect(try await ledger.letters(after: all[2].position, limit: 10).isEmpty)
        }
    }

    @Test func `a letter that was deleted meanwhile keeps its place, so that reading goes on behind it`() async throws {
        try await with { test, broker in
            let ledger = RedisAlertLedger(test.inspector)
            try await fail(["a", "b"], broker)
            let ids = try await test.client.send(RedisCommand("ZRANGE", test.keys.dead, "0", "0")).array ?? []
            let first = try #require(ids.first?.text)
            _ = try await test.client.send(RedisCommand("HDEL", test.keys.deadFacts, first))
            let letters = try await ledger.letters(after: 0, limit: 10)
            #expect(letters.map(\.letter.id) == ["a", "b"])
            #expect(letters.map(\.letter.task.name) == ["", "proj.pdf"])
        }
    }

    @Test func `without Redis every question fails, and the turn is nobody's afterwards`() async throws {
        try await InspectorUnderTest.run { test async throws in
            let ledger = RedisAlertLedger(test.inspector)
            #expect(try await ledger.takeTurn())
            await test.inspector.close()
            await #expect(throws: InspectionError.self) { _ = try await ledger.takeTurn() }
            await #expect(throws: InspectionError.self) { try await ledger.leaveTurn() }
            await #expect(throws: InspectionError.self) { _ = try await ledger.newest() }
            await #expect(throws: InspectionError.self) { _ = try await ledger.letters(after: 0, limit: 1) }
            await #expect(throws: InspectionError.self) { _ = try await ledger.keep(1, of: "slack") }
        }
    }

    // MARK: Two gateways

    @Test func `of two gateways one tells, and the other goes on where it stopped`() async throws {
        try await with { test, broker in
            let (first, second) = (Hook(), Hook())
            let (one, other) = (watch(first, test), watch(second, test))
            let running = Task { await one.run() }
            // Its turn, and what is news from now on, stand in Redis.
            while try await test.client.send(RedisCommand("HEXISTS", test.keys.alerts, "fake")).int != 1 {
                try await Task.sleep(for: .milliseconds(5))
            }
            let waiting = Task { await other.run() }
            try await fail(["a"], broker)
            while first.told.isEmpty { try await Task.sleep(for: .milliseconds(5)) }
            running.cancel()
            await running.value
            try await fail(["b"], broker)
            while second.told.isEmpty { try await Task.sleep(for: .milliseconds(5)) }
            waiting.cancel()
            await waiting.value
            #expect(first.told == ["a"])
            #expect(second.told == ["b"])
            #expect(try await test.client.send(RedisCommand("EXISTS", test.keys.alertsTurn)).int == 0)
        }
    }

    private func watch(_ hook: Hook, _ test: InspectorUnderTest) -> AlertWatch {
        AlertWatch(
            hooks: [hook],
            ledger: RedisAlertLedger(test.inspector),
            pacing: AlertPacing(),
            counter: AlertCounter(hooks: ["fake"]),
            logger: test.inspector.logger
        )
    }

    /// Somewhere alerts go: notes the ids of the letters.
    private final class Hook: AlertHook {
        let name = "fake"
        let wants = AlertHookWants.each
        private let ids = Mutex<[String]>([])

        var told: [String] { ids.withLock { $0 } }

        func tell(_ alert: Alert) async throws(AlertHookError) -> String {
            ids.withLock { $0.append(alert.letter.id) }
            return "ok"
        }

        func shutdown() async {}
    }
}
