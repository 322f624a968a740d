import CeleriacTasks
import CeleryMessage
import Testing
import Transport
import WorkerPool

@testable import WorkerRuntime

/// A new configuration while tasks run.
@Suite(.timeLimit(.minutes(1))) struct ReloadTests {
    private func with(
        capacity: Int = 4,
        _ body: (WorkerBench, FakePool, WorkerConfiguration) async throws -> Void
    ) async throws {
        let configuration = WorkerConfiguration(
            nodeName: "celery@test",
            queues: [QueuePolicy(name: "celery", pool: "here"), QueuePolicy(name: "mail", pool: "here")],
            tasks: ["work": TaskPolicy(timeLimit: 10, maxRetries: 1)],
            defaultPool: "here",
            softTimeLimit: 5
        )
        let bench = WorkerBench(configuration)
        let pool = FakePool("here", capacity: capacity, bench)
        try await bench.run(stop: .cold) { onEvents in
            [pool.reporting(to: onEvents)]
        } _: {
            try await body(bench, pool, configuration)
        }
    }

    private let setup = PoolSetup(tasks: [PoolSetup.Binding(task: "work", handler: "another")])

    @Test func `new policies and limits hold for what comes from now on`() async throws {
        try await with { bench, pool, configuration in
            try bench.publish("work", ["before"])
            _ = await pool.holding(1)
            var fresh = configuration
            fresh.tasks["work"] = TaskPolicy(timeLimit: 20, maxRetries: 7)
            fresh.softTimeLimit = 6
            await bench.worker.reload(fresh, setup: setup)
            try bench.publish("work", ["after"])
            let runs = await pool.holding(2)
            #expect(runs.map(\.request.timeLimit) == [10, 20])
            #expect(runs.map(\.request.softTimeLimit) == [5, 6])
            #expect(runs.map(\.request.maxRetries) == [1, 7])
        }
    }

    @Test func `what runs ends by the policy it began with`() async throws {
        try await with { bench, pool, configuration in
            try bench.publish("work", ["before"])
            _ = await pool.holding(1)
            var fresh = configuration
            fresh.tasks["work"] = TaskPolicy(ignoreResult: true)
            await bench.worker.reload(fresh, setup: setup)
            try bench.publish("work", ["after"])
            _ = await pool.holding(2)
            for id in ["after", "before"] { pool.finish(id) }
            let store = bench.store
            await bench.broker.until { store.heldTags.isEmpty }
            #expect(try await bench.record("before")?["status"] == "SUCCESS")
            #expect(try await bench.record("after") == nil)
        }
    }

    @Test func `what waits for a slot keeps the policy it was admitted with`() async throws {
        try await with(capacity: 1) { bench, pool, configuration in
            bench.broker.holdNextClaim()
            try bench.publish("work", ["runs"])
            let broker = bench.broker
            await broker.until { broker.isHoldingClaim }
            pool.resize(to: 0)
            broker.letClaimGo()
            await bench.turns()
            var fresh = configuration
            fresh.tasks["work"] = TaskPolicy(timeLimit: 20)
            await bench.worker.reload(fresh, setup: setup)
            pool.resize(to: 1)
            #expect(await pool.holding(1).map(\.request.timeLimit) == [10])
        }
    }

    @Test func `a task that is gone is refused, a new one runs`() async throws {
        try await with { bench, pool, configuration in
            try bench.publish("work", ["running"])
            _ = await pool.holding(1)
            var fresh = configuration
            fresh.tasks = ["new": TaskPolicy()]
            await bench.worker.reload(fresh, setup: setup)
            try bench.publish("work", ["too-late"])
            try bench.publish("new", ["new"])
            await bench.stored(["too-late"])
            #expect(try await bench.record("too-late")?["result"]?["exc_type"] == "NotRegistered")
            #expect(await pool.holding(2).map(\.request.id) == ["running", "new"])
            pool.finish("running")
            await bench.stored(["running"])
            #expect(try await bench.record("running")?["status"] == "SUCCESS")
        }
    }

    @Test func `every pool is told before its processes are replaced`() async throws {
        let bench = WorkerBench(
            WorkerConfiguration(nodeName: "n", queues: [], tasks: [:], defaultPool: "one")
        )
        let pools = [FakePool("one", bench), FakePool("two", bench)]
        try await bench.run { onEvents in
            pools.map { $0.reporting(to: onEvents) }
        } _: {
            await bench.worker.reload(
                WorkerConfiguration(nodeName: "n", queues: [], tasks: [:], defaultPool: "one"),
                setup: setup
            )
            for pool in pools { #expect(pool.changes == [.reload(setup), .recycle]) }
        }
    }

    @Test func `the queues and the node's name stay as they were started`() async throws {
        try await with { bench, pool, configuration in
            var fresh = configuration
            fresh.nodeName = "celery@elsewhere"
            fresh.queues = [QueuePolicy(name: "mail", pool: "here"), QueuePolicy(name: "new", pool: "here")]
            await bench.worker.reload(fresh, setup: setup)
            try bench.publish("work", ["new"], queue: "new")
            try bench.publish("work", ["dropped"], queue: "celery")
            try bench.publish("work", ["kept"], queue: "mail")
            let runs = await pool.holding(2)
            #expect(Set(runs.map(\.request.id)) == ["dropped", "kept"])
            #expect(runs.allSatisfy { $0.request.hostname == "celery@test" })
            await bench.turns()
            #expect(bench.store.waiting(in: "new").count == 1)
            #expect(bench.log.lines.contains { $0.contains("Queues, pools and servers stay as started") })
        }
    }
}
