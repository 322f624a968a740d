import CeleriacTasks
import CeleryMessage
import Logging
import NIOCore
import Testing

@testable import WorkerPool

@Suite(.timeLimit(.minutes(1))) struct InlinePoolTests {
    private func withPool(slots: Int = 4, _ body: (InlinePool, PoolProbe) async throws -> Void) async throws {
        let probe = PoolProbe()
        let setup = PoolSetup(
            tasks: ["noop", "sleep", "wait", "deaf", "fail", "log", "progress", "enqueue"].map {
                .init(task: $0, handler: $0)
            },
            hostname: "celery@test"
        )
        let pool = InlinePool(
            name: "here",
            slots: slots,
            setup: setup,
            registry: .inline,
            eventLoop: probe.loop,
            logger: Logger(label: "inline"),
            onEvents: probe.receive
        )
        try await pool.start()
        do {
            try await body(pool, probe)
        } catch {
            await pool.stop(killAfter: .zero)
            throw error
        }
        await pool.stop(killAfter: .zero)
    }

    private func submit(_ pool: InlinePool, _ probe: PoolProbe, _ tasks: [PoolTask]) async throws {
        try await probe.loop.submit { pool.submit(tasks) }.get()
    }

    @Test func `runs tasks and tells their start, states, lines and end in order`() async throws {
        try await withPool { pool, probe in
            try await submit(pool, probe, [run(1, "progress"), run(2, "log"), run(3, "fail"), run(4, "enqueue")])
            let ends = await probe.ends([1, 2, 3, 4])
            #expect(ends[3]?.failure?.message == "no luck")
            guard case .finished(_, let report, let runtime)? = ends[4] else {
                Issue.record("not finished")
                return
            }
            #expect(report.enqueued.map(\.task) == ["next"])
            #expect(runtime > .zero)
            let states = probe.events.compactMap { if case .state(_, let state, _) = $0 { state } else { nil } }
            #expect(states == ["PROGRESS"])
            #expect(probe.events.compactMap(\.record).map(\.taskID) == ["id-2"])
            let start = try #require(probe.events.firstIndex { $0.startedJob == 1 })
            let state = try #require(probe.events.firstIndex { if case .state = $0 { true } else { false } })
            let end = try #require(probe.events.firstIndex { $0.ended == 1 })
            #expect(start < state)
            #expect(state < end)
        }
    }

    @Test func `runs no more at a time than it has slots`() async throws {
        try await withPool(slots: 2) { pool, probe in
            let free = try await probe.loop.submit {
                pool.submit((1...4).map { run(UInt64($0), "wait") })
                return pool.free
            }.get()
            #expect(free == 0)
            await probe.begun([1, 2])
            #expect(probe.events.compactMap(\.startedJob) == [1, 2])
            try await probe.loop.submit { pool.cancel(job: 1, reason: .revoked) }.get()
            await probe.begun([3])
            #expect(await probe.ends([1])[1].map { "\($0)" }?.contains("cancelled") == true)
            try await probe.loop.submit { pool.cancel(job: 4, reason: .revoked) }.get()
            #expect(await probe.ends([4])[4]?.returnedJob == 4)
        }
    }

    @Test func `runs thousands of tasks`() async throws {
        try await withPool(slots: 64) { pool, probe in
            try await submit(pool, probe, (1...5000).map { run(UInt64($0), "noop") })
            let ends = await probe.ends((1...5000).map(UInt64.init))
            #expect(ends.values.allSatisfy { $0.result == .null })
        }
    }

    @Test func `cancels at the soft limit and gives up at the hard one`() async throws {
        try await withPool(slots: 2) { pool, probe in
            try await submit(
                pool,
                probe,
                [run(1, "wait", soft: 0.02), run(2, "deaf", 0.3, hard: 0.05), run(3, "noop")]
            )
            let ends = await probe.ends([1, 2, 3])
            #expect(ends[1]?.failure?.type == "SoftTimeLimitExceeded")
            #expect(ends[2]?.isTimeLimit == true)
            #expect(ends[3]?.result == .null)
            // What the one that was given up says later is ignored; its end would be a second one.
            try await submit(pool, probe, [run(4, "deaf", 0.5)])
            await probe.ends([2, 4])
        }
    }

    @Test func `gives up a run that is terminated`() async throws {
        try await withPool { pool, probe in
            try await submit(pool, probe, [run(1, "deaf", 10)])
            await probe.begun([1])
            try await probe.loop.submit { pool.terminate(job: 1) }.get()
            #expect(await probe.ends([1])[1]?.lostExit == .terminated)
            #expect(try await probe.loop.submit { pool.free }.get() == 4)
        }
    }

    @Test func `finishes what runs and returns what does not when it stops`() async throws {
        try await withPool(slots: 1) { pool, probe in
            try await probe.loop.flatSubmit {
                pool.submit([run(1, "sleep"), run(2, "noop")])
                return pool.beginStop(killAfter: nil)
            }.get()
            let ends = await probe.ends([1, 2])
            #expect(ends[1]?.result == "slept")
            #expect(ends[2]?.returnedJob == 2)
            try await submit(pool, probe, [run(3, "noop")])
            #expect(await probe.ends([3])[3]?.returnedJob == 3)
        }
    }

    @Test func `gives up what does not finish in time when it stops`() async throws {
        try await withPool(slots: 1) { pool, probe in
            try await submit(pool, probe, [run(1, "deaf", 10)])
            await probe.begun([1])
            await pool.stop(killAfter: .milliseconds(10))
            #expect(await probe.ends([1])[1]?.lostExit == .terminated)
        }
    }
}

/// A handler made of a closure.
private struct InlineHandler: TaskHandler {
    let body: @Sendable (TaskArguments, TaskContext) async throws -> JSONValue

    func run(_ arguments: TaskArguments, context: TaskContext) async throws -> JSONValue {
        try await body(arguments, context)
    }
}

extension HandlerRegistry {
    fileprivate static let inline = HandlerRegistry([
        handler("noop") { _, _ in .null },
        handler("sleep") { _, _ in
            try await Task.sleep(for: .milliseconds(100))
            return "slept"
        },
        handler("wait") { _, _ in
            try await Task.sleep(for: .seconds(60))
            return .null
        },
        handler("deaf") { arguments, _ in
            // Waits without hearing of its cancellation, and without holding a thread of the test runner.
            let seconds = arguments.positional.first?.number ?? 0
            await Task.detached { try? await Task.sleep(for: .seconds(seconds)) }.value
            return .null
        },
        handler("fail") { _, _ in throw TaskFailure.runtimeError("no luck") },
        handler("log") { _, context in
            context.logger.notice("line")
            return .null
        },
        handler("progress") { _, context in
            context.progress(current: 1, total: 2, status: "half")
            return .null
        },
        handler("enqueue") { _, context in
            context.enqueue(Signature(task: "next"))
            return .null
        },
    ])

    private static func handler(
        _ name: String,
        _ body: @escaping @Sendable (TaskArguments, TaskContext) async throws -> JSONValue
    ) -> HandlerFactory {
        HandlerFactory(name: name, summary: "for tests") { _ in InlineHandler(body: body) }
    }
}
