import CeleryMessage
import Inspection
import RedisClient
import RedisTransport
import TestSupport
import Testing
import Transport

@testable import RedisInspection

/// What is read of what brokers recorded.
@Suite(.timeLimit(.minutes(2))) struct HistoryTests {
    /// A worker's broker that ends tasks.
    private struct Ending {
        let broker: RedisBroker
        let test: InspectorUnderTest

        func end(
            _ ids: [String],
            queue: String = "pdf",
            state: TaskState = .success,
            keep: Int = 1000,
            at moment: Instant = .now(),
            change: (inout TaskMessage) -> Void = { _ in }
        ) async throws {
            let commits = ids.map { id in
                var message = TaskMessage(
                    task: "proj.\(queue)",
                    id: id,
                    args: [1],
                    kwargs: ["no": .string("INV-" + id)]
                )
                change(&message)
                var run = TaskEnd.Run()
                run.receivedAt = moment - .seconds(3)
                run.startedAt = moment - .seconds(2)
                run.runtime = .milliseconds(1500)
                let failure = state == .success ? nil : ExceptionInfo.valueError("no \(id)")
                return Commit(
                    tag: nil,
                    acknowledges: false,
                    effects: [],
                    history: .finished(
                        TaskEnd(
                            of: ReceivedMessage(message),
                            queue: queue,
                            state: state,
                            finishedAt: moment,
                            run: run,
                            result: state == .success ? Array(#"{"path": "/a.pdf"}"#.utf8) : nil,
                            exception: failure,
                            traceback: failure.map { _ in "Traceback\n  the end\n" },
                            bound: HistoryBound(count: keep, seconds: 3600),
                            writer: HistoryWriter(worker: "w1@test")
                        )
                    )
                )
            }
            _ = try await broker.commit(commits)
        }
    }

    private func with(_ body: (Ending, RedisHistory) async throws -> Void) async throws {
        try await InspectorUnderTest.run { test in
            let broker = try await test.startBroker()
            let history = RedisHistory(test.inspector, pause: .zero)
            let outcome: Result<Void, any Error>
            do {
                outcome = .success(try await body(Ending(broker: broker, test: test), history))
            } catch {
                outcome = .failure(error)
            }
            await broker.stop()
            try outcome.get()
        }
    }

    private func query(_ change: (inout HistoryQuery) -> Void = { _ in }) -> HistoryQuery {
        var query = HistoryQuery()
        change(&query)
        return query
    }

    @Test func `the buckets of writers and readers are the same`() {
        #expect(HistoryDurations.bounds.map { Double($0) / 1_000_000 } == TaskDurations.bounds)
    }

    @Test func `is empty where nothing has ended`() async throws {
        try await with { _, history in
            let page = try await history.finished(query())
            #expect(page == HistoryPage())
            #expect(try await history.finished(taskID: "x") == nil)
            #expect(try await history.counts().isEmpty)
            #expect(try await history.durations().isEmpty)
        }
    }

    @Test func `shows a task with everything that was recorded`() async throws {
        try await with { ending, history in
            let moment = Instant(seconds: Instant.now().seconds.rounded(.down))
            try await ending.end(["a"], at: moment) { message in
                message.headers.retries = 2
                message.headers.extra["tenant_id"] = "t1"
                message.headers.parentID = "p"
                message.headers.rootID = "r"
                message.headers.group = "g"
            }
            let task = try #require(try await history.finished(taskID: "a"))
            #expect((task.name, task.queue, task.state) == ("proj.pdf", "pdf", .success))
            #expect((task.attempts, task.tenant, task.worker) == (3, "t1", "w1@test"))
            #expect((task.receivedAt, task.startedAt) == (moment - .seconds(3), moment - .seconds(2)))
            #expect((task.finishedAt, task.runtime) == (moment, .milliseconds(1500)))
            #expect((task.arguments, task.keywords) == ("[1]", #"{"no": "INV-a"}"#))
            #expect(task.result == #"{"path": "/a.pdf"}"#)
            #expect((task.parentID, task.rootID, task.groupID) == ("p", "r", "g"))
            try await ending.end(["b"], state: .failure)
            let failed = try #require(try await history.finished(taskID: "b"))
            #expect(failed.failure?.type == "ValueError")
            #expect(failed.failure?.message == "no b")
            #expect(failed.failure?.traceback == "Traceback\n  the end\n")
            #expect(try await history.finished(query()).tasks.map(\.id) == ["b", "a"])
            #expect(try await history.finished(query()).tasks.last?.result == task.result)
        }
    }

    @Test func `keeps exactly as many as are wanted, though entries hold many`() async throws {
        try await with { ending, history in
            for batch in 0..<10 { try await ending.end((0..<3).map { "s\(batch)-\($0)" }, keep: 10) }
            for batch in 0..<16 { try await ending.end((0..<5).map { "f\(batch)-\($0)" }, state: .failure, keep: 50) }
            let completed = try await history.finished(query { $0.states = [.success] })
            let failed = try await history.finished(query { $0.states = [.failure] })
            #expect((completed.total, failed.total) == (10, 50))
            #expect(completed.tasks.last?.id == "s6-2")
            let counts = try #require(try await history.counts()["pdf"])
            #expect((counts.completed, counts.failed) == (30, 80))
            #expect((counts.completedKept, counts.failedKept) == (10, 50))
        }
    }

    @Test func `reads on from where it was, over several streams`() async throws {
        try await with { ending, history in
            let start = Instant.now() - .seconds(100)
            for number in 0..<200 {
                try await ending.end(
                    ["\(number)"],
                    queue: number.isMultiple(of: 2) ? "pdf" : "email",
                    at: start + .milliseconds(number)
                )
                if number % 50 == 7 { #expect(try await history.finished(query()).total == number + 1) }
            }
            let page = try await history.finished(query { ($0.offset, $0.limit) = (10, 3) })
            #expect(page.tasks.map(\.id) == ["189", "188", "187"])
            #expect(page.total == 200)
            #expect(page.oldest == start)
            #expect(try await history.finished(query { $0.queue = "email" }).total == 100)
            #expect(try await history.finished(query { $0.text = "INV-77" }).tasks.map(\.id) == ["77"])
            // One that comes late, from a worker that was slower, stands where it belongs.
            try await ending.end(["late"], at: start + .milliseconds(100))
            let late = try await history.finished(query { ($0.isNewestFirst, $0.offset, $0.limit) = (false, 101, 1) })
            #expect(late.tasks.map(\.id) == ["late"])
            let named = try await history.finished(query { ($0.order, $0.limit, $0.offset) = (.name, 2, 1) })
            let all = try await history.finished(query { ($0.order, $0.limit) = (.name, 1000) })
            #expect(named.tasks == Array(all.tasks[1...2]) && named.total == 201 && all.tasks.count == 201)
            #expect(all.tasks.map(\.name) == all.tasks.map(\.name).sorted(by: >))
        }
    }

    @Test func `what is too old is not shown, though it is still there`() async throws {
        try await with { ending, history in
            try await ending.end(["old"], at: .now() - .seconds(3601))
            try await ending.end(["new"])
            #expect(try await history.finished(query()).tasks.map(\.id) == ["new"])
            #expect(try await history.counts()["pdf"]?.completedKept == 1)
        }
    }

    @Test func `begins anew with a stream that does`() async throws {
        try await with { ending, history in
            try await ending.end(["a", "b", "c"])
            #expect(try await history.finished(query()).total == 3)
            let keys = ending.test.keys
            for key in [keys.history, keys.history(queue: "pdf", completed: true)] {
                _ = try await ending.test.client.send(RedisCommand("DEL", key))
            }
            try await ending.end(["d"])
            #expect(try await history.finished(query()).tasks.map(\.id) == ["d"])
        }
    }

    @Test func `counts states, retries and runtimes`() async throws {
        try await with { ending, history in
            try await ending.end(["a"])
            try await ending.end(["b"], state: .revoked)
            try await ending.end(["c"], state: .rejected)
            let retry = Commit(tag: nil, acknowledges: false, effects: [], history: .retried(queue: "pdf"))
            _ = try await ending.broker.commit([retry])
            let counts = try #require(try await history.counts()["pdf"])
            #expect((counts.completed, counts.failed, counts.revoked) == (1, 2, 1))
            #expect((counts.rejected, counts.retried, counts.ignored) == (1, 1, 0))
            let durations = try await history.durations()
            #expect(durations.map(\.task) == ["proj.pdf"])
            #expect(durations.first?.count == 3)
            #expect(durations.first?.counts[7] == 3)
            #expect(durations.first?.seconds == 4.5)
        }
    }

    @Test func `survives strange things in its keys`() async throws {
        try await with { ending, history in
            let keys = ending.test.keys
            let stream = keys.history(queue: "pdf", completed: true)
            _ = try await ending.test.client.send(
                RedisCommand("HSET", keys.history, "completed:pdf", "9", "odd", "x", "a:b", "1")
            )
            _ = try await ending.test.client.send(RedisCommand("XADD", stream, "1-1", "x", "y"))
            _ = try await ending.test.client.send(
                RedisCommand("XADD", stream, "2-1", "k", "5", "a", "60", "r", "no JSON\n{}\n[]")
            )
            _ = try await ending.test.client.send(
                RedisCommand("HSET", keys.historyDurations, "x", "1", "a\nb\n99", "2")
            )
            #expect(try await history.finished(query()).total == 0)
            #expect(try await history.durations().map(\.count) == [0])
        }
    }

    // MARK: Forgetting

    @Test func `forgets what ended before a moment, for every reader and for good`() async throws {
        try await with { ending, history in
            let now = Instant.now()
            try await ending.end(["a1", "a2"], at: now - .seconds(100))
            try await ending.end(["a3"], at: now - .seconds(50))
            try await ending.end(["a4"], at: now)
            try await ending.end(["f1"], state: .failure, at: now - .seconds(100))
            try await ending.end(["e1"], queue: "email", at: now - .seconds(100))
            let none = try await history.clean(
                queue: "pdf",
                completed: true,
                failed: true,
                endedBefore: now - .seconds(200)
            )
            #expect(none == 0)
            let some = try await history.clean(
                queue: "pdf",
                completed: true,
                failed: false,
                endedBefore: now - .seconds(40)
            )
            #expect(some == 3)
            try await ending.end(["a5"], at: now)
            for reader in [history, RedisHistory(ending.test.inspector, pause: .zero)] {
                let left = try await reader.finished(HistoryQuery()).tasks.map(\.id)
                #expect(Set(left) == ["a4", "a5", "f1", "e1"])
                let counts = try #require(try await reader.counts()["pdf"])
                #expect(counts.completedKept == 2 && counts.completed == 5 && counts.failedKept == 1)
            }
        }
    }

    @Test func `cuts through an entry that holds several tasks`() async throws {
        try await with { ending, history in
            try await ending.end(["a1", "a2", "a3"])
            #expect(try await history.forget(taskID: "a2", queue: "email") == false)
            #expect(try await history.forget(taskID: "a2", queue: "pdf"))
            #expect(try await history.forget(taskID: "a2", queue: "pdf") == false)
            #expect(try await history.forget(taskID: "none", queue: "pdf") == false)
            let other = RedisHistory(ending.test.inspector, pause: .zero)
            for reader in [history, other] {
                #expect(Set(try await reader.finished(HistoryQuery()).tasks.map(\.id)) == ["a1", "a3"])
                #expect(try await reader.finished(taskID: "a2") == nil)
            }
            // A task that ends again is there again.
            try await ending.end(["a2"])
            #expect(try await other.finished(taskID: "a2") != nil)
            let ttl = try await ending.test.client.send(RedisCommand("TTL", ending.test.keys.historyForgotten))
            #expect((ttl.int ?? 0) > 0)
        }
    }
}
