import CeleriacTasks
import CeleryMessage
import Glibc
import Logging
import NIOCore
import NIOPosix
import WorkerPool

/// Measures how many tasks that do nothing go through a pool in a second: `PoolTestChild bench [processes] [slots]`,
/// with no processes through the inline pool.
enum PoolBenchmark {
    static func run() async throws {
        let numbers = CommandLine.arguments.dropFirst(2).compactMap { Int($0) }
        let processes = numbers.first ?? 2
        let slots = numbers.dropFirst().first ?? 1
        let count: UInt64 = UInt64(numbers.dropFirst(2).first ?? 200_000)
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let feeder = Feeder(count: count, loop: loop)
        let setup = PoolSetup(tasks: [.init(task: "noop", handler: "noop")])
        let logger = Logger(label: "bench")
        let pool: any TaskPool
        if processes == 0 {
            pool = InlinePool(
                name: "bench",
                slots: slots,
                setup: setup,
                registry: .forTests,
                eventLoop: loop,
                logger: logger,
                onEvents: { feeder.receive($0) }
            )
        } else {
            let configuration = PoolConfiguration(
                name: "bench",
                processes: processes,
                slots: slots,
                executable: CommandLine.arguments[0],
                arguments: ["serve"],
                setup: setup
            )
            pool = ProcessPool(
                configuration: configuration,
                eventLoop: loop,
                logger: logger,
                onEvents: { feeder.receive($0) }
            )
        }
        try await pool.start()
        let (own, begin) = (cpuSeconds(RUSAGE_SELF), ContinuousClock.now)
        try await feeder.run(pool).get()
        let (spent, took) = (cpuSeconds(RUSAGE_SELF) - own, ContinuousClock.now - begin)
        await pool.stop(killAfter: .seconds(5))
        let seconds = Double(took.components.seconds) + Double(took.components.attoseconds) / 1e18
        print(
            "\(Int(Double(count) / seconds)) tasks/s, controller \(spent / Double(count) * 1e6) µs/task,",
            "children \(cpuSeconds(RUSAGE_CHILDREN) / Double(count) * 1e6) µs/task"
        )
    }

    private static func cpuSeconds(_ who: __rusage_who) -> Double {
        var usage = rusage()
        getrusage(__rusage_who_t(who.rawValue), &usage)
        return Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
            + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6
    }
}

/// Keeps a pool full until all tasks have ended.
private final class Feeder: @unchecked Sendable {
    // Touched on the event loop only.
    private let count: UInt64
    private let loop: any EventLoop
    private let done: EventLoopPromise<Void>
    private var next: UInt64 = 1
    private var finished: UInt64 = 0
    private var again: [PoolTask] = []
    private var pool: (any TaskPool)?
    private let received: ReceivedMessage

    init(count: UInt64, loop: any EventLoop) {
        self.count = count
        self.loop = loop
        done = loop.makePromise()
        var headers = TaskHeaders(task: "noop", id: Identifier.uuid())
        headers.origin = "gen12345@host"
        headers.argsrepr = "()"
        headers.kwargsrepr = "{}"
        received = ReceivedMessage(headers: headers)
    }

    func run(_ pool: any TaskPool) -> EventLoopFuture<Void> {
        loop.execute {
            self.pool = pool
            self.feed()
        }
        return done.futureResult
    }

    func receive(_ events: [PoolEvent]) {
        for event in events {
            switch event {
            case .finished: finished += 1
            case .returned(let job): again.append(task(job))
            default: break
            }
        }
        if finished == count { done.succeed() } else { feed() }
    }

    private func feed() {
        guard let pool else { return }
        var batch: [PoolTask] = []
        for _ in 0..<pool.free {
            if let task = again.popLast() {
                batch.append(task)
            } else if next <= count {
                batch.append(task(next))
                next += 1
            }
        }
        if !batch.isEmpty { pool.submit(batch) }
    }

    private func task(_ job: UInt64) -> PoolTask {
        PoolTask(
            job: job,
            request: TaskRequest(received: received, queue: "celery", hostname: "celery@host")
        )
    }
}
