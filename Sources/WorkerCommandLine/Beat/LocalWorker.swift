import CeleryMessage
import Logging
import NIOCore
import NIOPosix
package import Settings
import Synchronization
package import Transport
import WorkerRuntime

/// A worker without a server: it runs what this process puts into its queues, in this process.
package final class LocalWorker: Sendable {
    private let configuration: CeleriacConfiguration
    private let queues: InMemoryStore
    private let extraQueues: [String]
    private let log: WorkerProgram.Log
    private let nodeName: String
    private let worker = Mutex<Worker?>(nil)
    private let program = Program.current

    /// Prepares a worker; nothing is started.
    ///
    /// - Parameter extraQueues: queues to serve beside those of the configuration.
    package init(
        configuration: CeleriacConfiguration,
        queues: InMemoryStore,
        extraQueues: [String] = [],
        log: WorkerProgram.Log,
        nodeName: String
    ) {
        self.configuration = configuration
        self.queues = queues
        self.extraQueues = extraQueues
        self.log = log
        self.nodeName = nodeName
    }

    /// Runs tasks until ``stop()``.
    package func run(onReady: @escaping @Sendable () -> Void = {}) async throws {
        let logger = log.logger("celeriac")
        var options = WorkerOptions()
        options.hostname = nodeName
        options.pool = "inline"
        options.concurrency = Self.slots
        let configured = configuration.queues.map(\.name) + [configuration.defaultQueue]
        var seen = Set<String>()
        options.queues = (configured + extraQueues).filter { seen.insert($0).inserted }
        let wiring = WorkerWiring(configuration: configuration, options: options, registry: program.registry)
        let pools = PoolWiring(
            configuration: configuration,
            options: options,
            wiring: wiring,
            logLevel: log.level,
            registry: program.registry
        )
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let loop = group.next()
        let broker = InMemoryBroker(queues, deliver: { body in loop.execute(body) })
        let made = Worker(
            configuration: wiring.worker,
            broker: broker,
            codecs: wiring.codecs,
            eventLoop: loop,
            logger: logger
        )
        worker.withLock { $0 = made }
        try await made.run(
            makePools: { pools.makePools(on: loop, logger: logger, onEvents: $0) },
            onReady: onReady
        )
        try await group.shutdownGracefully()
    }

    /// Ends the worker: tasks that run are given a second to finish.
    package func stop() async {
        guard let worker = worker.withLock({ $0 }) else { return }
        await worker.stop(.warm)
        // Outlives this call by that second; a worker that has ended by then does not mind.
        Task {
            try? await Task.sleep(for: .seconds(1))
            await worker.stop(.cold)
        }
    }

    /// How many tasks run at once.
    private static let slots = 16
}
