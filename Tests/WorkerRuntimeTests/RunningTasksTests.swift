import CeleriacTasks
import CeleryMessage
import Testing
import Transport
import WorkerPool

@testable import WorkerRuntime

/// What USR1 writes to the log.
@Suite(.timeLimit(.minutes(1))) struct RunningTasksTests {
    private func dump(_ bench: WorkerBench) async -> [String] {
        let before = bench.log.lines.count
        await bench.worker.logRunning()
        return Array(bench.log.lines[before...])
    }

    private func with(_ body: (WorkerBench, FakePool) async throws -> Void) async throws {
        let bench = WorkerBench(
            WorkerConfiguration(
                nodeName: "celery@test",
                queues: [QueuePolicy(name: "celery", pool: "cpu"), QueuePolicy(name: "mail", pool: "cpu")],
                tasks: ["work": TaskPolicy(), "early": TaskPolicy(acksLate: false)],
                defaultPool: "cpu"
            )
        )
        let pool = FakePool("cpu", capacity: 3, bench)
        try await bench.run(stop: .cold) { onEvents in
            [pool.reporting(to: onEvents)]
        } _: {
            try await body(bench, pool)
        }
    }

    @Test func `says that nothing runs`() async throws {
        try await with { bench, _ in
            #expect(await dump(bench) == ["warning: 0 task(s) in hand"])
        }
    }

    @Test func `tells of each task where it is, how old, and what it last reported`() async throws {
        try await with { bench, pool in
            for (task, id, queue) in [("work", "first", "celery"), ("early", "second", "mail")] {
                try bench.publish(task, [id], queue: queue) { $0.headers.retries = id == "second" ? 2 : 0 }
                await bench.broker.until { pool.runs.contains { $0.request.id == id } }
            }
            pool.begin("second", processID: 4711)
            pool.report("second", state: "PROGRESS")
            let store = bench.store
            await bench.broker.until { store.storeCount(taskID: "second") == 1 }
            let lines = await dump(bench)
            try #require(lines.count == 3)
            #expect(lines[0] == "warning: 2 task(s) in hand")
            let seconds = /for [0-9.]+s/
            #expect(
                lines[1].replacing(seconds, with: "for …")
                    == "warning: task work[first] dispatched for … queue=celery pool=cpu process=- state=- retries=0 held=\(try #require(store.heldTags.first).text)"
            )
            #expect(
                lines[2].replacing(seconds, with: "for …")
                    == "warning: task early[second] running for … queue=mail pool=cpu process=4711 state=PROGRESS retries=2 held=acknowledged"
            )
        }
    }

    @Test func `forgets what has ended`() async throws {
        try await with { bench, pool in
            try bench.publish("work", ["first", "second"])
            _ = await pool.holding(2)
            pool.finish("first")
            await bench.stored(["first"])
            let lines = await dump(bench)
            #expect(lines.count == 2)
            #expect(lines.last?.contains("work[second]") == true)
        }
    }
}
