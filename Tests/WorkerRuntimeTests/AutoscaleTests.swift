import CeleriacTasks
import CeleryMessage
import NIOCore
import Testing
import Transport
import WorkerPool

@testable import WorkerRuntime

/// When a pool grows and shrinks, as a value.
struct AutoscalingTests {
    private let start = NIODeadline.now()

    private func autoscaling(_ minimum: Int, _ maximum: Int, keepAlive: Int = 30) -> Autoscaling {
        Autoscaling(AutoscaleRange(maximum: maximum, minimum: minimum, keepAlive: keepAlive), at: start)
    }

    @Test func `grows by one each time while every slot has work, up to the maximum`() {
        var autoscaling = autoscaling(2, 5)
        var sizes: [Int?] = []
        for second: Int64 in 1...5 {
            let size = autoscaling.size
            sizes.append(autoscaling.next(capacity: size, inHand: size + 10, at: start + .seconds(second)))
        }
        #expect(sizes == [3, 4, 5, nil, nil])
        #expect(autoscaling.size == 5)
    }

    @Test func `shrinks by one each time a slot was to spare for the time it is kept, down to the minimum`() {
        var autoscaling = autoscaling(1, 3, keepAlive: 30)
        for _ in 0..<2 { _ = autoscaling.next(capacity: autoscaling.size, inHand: 9, at: start) }
        #expect(autoscaling.size == 3)
        var changes: [Int64: Int] = [:]
        for second: Int64 in 1...120 {
            let size = autoscaling.next(capacity: autoscaling.size, inHand: 0, at: start + .seconds(second))
            if let size { changes[second] = size }
        }
        #expect(changes == [30: 2, 60: 1])
    }

    @Test func `counts the spare time anew after every slot had work`() {
        var autoscaling = autoscaling(1, 2, keepAlive: 30)
        _ = autoscaling.next(capacity: 1, inHand: 1, at: start)
        #expect(autoscaling.next(capacity: 2, inHand: 1, at: start + .seconds(29)) == nil)
        #expect(autoscaling.next(capacity: 2, inHand: 2, at: start + .seconds(29)) == nil)
        #expect(autoscaling.next(capacity: 2, inHand: 1, at: start + .seconds(58)) == nil)
        #expect(autoscaling.next(capacity: 2, inHand: 1, at: start + .seconds(59)) == 1)
    }

    @Test func `goes on from its own size while processes are being replaced`() {
        var autoscaling = autoscaling(4, 8)
        // Two of four are just starting again: three would be fewer than there are.
        #expect(autoscaling.next(capacity: 2, inHand: 2, at: start) == 5)
    }

    @Test func `does not grow for want of processes alone`() {
        var autoscaling = autoscaling(1, 8)
        // The only process has died and the next one is not ready yet.
        #expect(autoscaling.next(capacity: 0, inHand: 0, at: start) == nil)
    }

    @Test(arguments: [(0, 0), (0, 1), (3, 3), (5, 2)])
    func `never leaves its range, nor goes below one process`(minimum: Int, maximum: Int) {
        var autoscaling = autoscaling(minimum, maximum, keepAlive: 0)
        let fewest = max(1, minimum)
        for (second, inHand) in [9, 9, 9, 0, 0, 0, 9, 0].enumerated() {
            _ = autoscaling.next(capacity: autoscaling.size, inHand: inHand, at: start + .seconds(Int64(second)))
            #expect((fewest...max(fewest, maximum)).contains(autoscaling.size))
        }
    }
}

/// The worker's part: what it counts, which pool it changes, and what it claims then.
@Suite(.timeLimit(.minutes(1))) struct AutoscaleTests {
    private func with(
        _ range: AutoscaleRange?,
        _ body: (WorkerBench, FakePool) async throws -> Void
    ) async throws {
        let bench = WorkerBench(
            WorkerConfiguration(
                nodeName: "celery@test",
                queues: [QueuePolicy(name: "celery", pool: "here")],
                tasks: ["work": TaskPolicy()],
                defaultPool: "here",
                autoscale: range
            )
        )
        let pool = FakePool("here", bench)
        try await bench.run(stop: .cold) { onEvents in
            [FakePool("other", bench), pool.reporting(to: onEvents)]
        } _: {
            try await body(bench, pool)
        }
    }

    private func ids(_ count: Int) -> [String] { (0..<count).map { "id-\($0)" } }

    @Test func `gives waiting messages more processes, within the bounds`() async throws {
        try await with(AutoscaleRange(maximum: 3, minimum: 1, keepAlive: 3600)) { bench, pool in
            try bench.publish("work", ids(5))
            for size in 1...3 {
                #expect(await pool.holding(size).count == size)
                await bench.worker.lookAtScale()
            }
            await bench.turns()
            #expect(pool.sizes == [2, 3])
            for id in ids(5) {
                await bench.broker.until { pool.runs.contains { $0.request.id == id } }
                pool.finish(id)
            }
            await bench.stored(ids(5))
            await bench.worker.lookAtScale()
            await bench.turns()
            // Nothing to do, but not for long enough.
            #expect(pool.sizes == [2, 3])
            #expect(bench.log.lines.filter { $0.contains("Scaling") }.count == 2)
        }
    }

    @Test func `ends processes that have nothing to do, down to the fewest`() async throws {
        try await with(AutoscaleRange(maximum: 2, minimum: 1, keepAlive: 0)) { bench, pool in
            try bench.publish("work", ids(1))
            _ = await pool.holding(1)
            await bench.worker.lookAtScale()
            await bench.broker.until { pool.sizes.first == 2 }
            pool.finish("id-0")
            await bench.stored(ids(1))
            for _ in 0..<3 {
                await bench.worker.lookAtScale()
                await bench.turns()
            }
            #expect(pool.sizes == [2, 1])
        }
    }

    @Test func `leaves the pool as it is unless a range is given`() async throws {
        try await with(nil) { bench, pool in
            try bench.publish("work", ids(3))
            _ = await pool.holding(1)
            await bench.worker.lookAtScale()
            await bench.turns()
            #expect(pool.changes.isEmpty)
        }
    }
}

extension Worker {
    /// What happens each second.
    fileprivate func lookAtScale() { wantsScale.raise() }
}
