import ArgumentParser
import CeleryMessage
import Logging
import NIOCore
import NIOPosix
import RedisClient
import RedisTransport
import Transport

/// What Redis allows: the worker's own claims and commits, with nothing decoded, decided or run in between.
///
/// It reads nothing of a message and stores a made-up result under the message's tag, of the size that a no-op task's
/// record has. The engine's throughput is measured against this in the same run.
struct NullWorker: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "null-worker",
        abstract: "Claim and finish every message of a queue without looking at it."
    )

    @Option(name: .long, help: "The broker's URL.")
    var broker: String
    @Option(name: .long, help: "The queue.")
    var queue = "celery"
    @Option(name: .long, help: "How many messages to finish before ending.")
    var count: Int
    @Option(name: .long, help: "Messages claimed at once.")
    var batch = 64
    @Option(name: .long, help: "Claims and commits under way at the same time.")
    var depth = 3

    mutating func run() async throws {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        var logger = Logger(label: "null-worker")
        logger.logLevel = .warning
        let redis = try RedisConfiguration(url: broker)
        let transport = RedisBroker(
            configuration: RedisTransportConfiguration(broker: redis, results: redis),
            eventLoop: loop,
            logger: logger
        )
        let engine = NullEngine(broker: transport, loop: loop, queue: queue, left: count, batch: batch)
        try await transport.start(queues: [queue]) { _ in }
        print("null-worker ready.")
        let lanes = depth
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<lanes { group.addTask { try await engine.run() } }
            try await group.waitForAll()
        }
        await transport.stop()
    }
}

/// The loop of claims and commits, on the connection's own event loop as the worker is.
actor NullEngine {
    private nonisolated let loop: any EventLoop
    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.executor.asUnownedSerialExecutor() }
    private let broker: RedisBroker
    private let request: ClaimRequest
    private let record: [UInt8]
    private var left: Int

    init(broker: RedisBroker, loop: any EventLoop, queue: String, left: Int, batch: Int) {
        self.broker = broker
        self.loop = loop
        self.left = left
        request = ClaimRequest(queues: [.init(name: queue, room: batch, pool: 0)], rooms: [batch], limit: batch)
        record = ResultRecord(taskID: Identifier.uuid(), status: .success, dateDone: .now()).encoded()
    }

    func run() async throws {
        while left > 0 {
            let claimed = try await broker.claim(request).deliveries
            if claimed.isEmpty {
                try await Task.sleep(for: .milliseconds(1))
                continue
            }
            left -= claimed.count
            let commits = claimed.map { delivery in
                Commit(
                    tag: delivery.tag,
                    acknowledges: true,
                    effects: [.store(StoredResult(taskID: delivery.tag.text, record: record, timeToLive: 86_400))]
                )
            }
            _ = try await broker.commit(commits)
        }
    }
}
