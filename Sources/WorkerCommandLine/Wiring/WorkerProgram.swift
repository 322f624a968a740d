import CeleryMessage
import Exposition
import Glibc
package import Logging
import MetricsServer
import NIOCore
import NIOPosix
import RedisClient
package import RedisTransport
package import Settings
import Synchronization
import Transport
import WorkerPool
import WorkerRuntime

/// A worker from its configuration to its exit code: wiring, banner, signals.
package struct WorkerProgram {
    /// How and where it logs.
    package struct Log {
        package var level: Logger.Level
        package var format: CeleryLogHandler.Format
        package var file: LogFile

        package init(level: Logger.Level, format: CeleryLogHandler.Format, file: LogFile) {
            self.level = level
            self.format = format
            self.file = file
        }

        /// A logger that writes there.
        package func logger(_ label: String) -> Logger {
            let handler = CeleryLogHandler(format: format, level: level, file: file)
            return Logger(label: label) { _ in handler }
        }
    }

    package enum BannerKind {
        case full
        case none
    }

    /// Whether the line that says so is written whatever the log level.
    package enum ReadyLine {
        case always
        case quiet
    }

    let source: ConfigurationSource
    let options: WorkerOptions
    let log: Log
    package var banner = BannerKind.full
    package var readyLine = ReadyLine.always
    var purges = false
    /// The schedule that this worker sends too: `-B`.
    package var schedule: ScheduleSource?
    /// Ends the worker warmly when it returns; the worker runs until a signal without it.
    package var until: (@Sendable (RedisBroker) async throws -> Int32)?

    package init(source: ConfigurationSource, options: WorkerOptions, log: Log) {
        self.source = source
        self.options = options
        self.log = log
    }

    /// Runs until a signal stops it; answers the exit code.
    package func run(_ configuration: CeleriacConfiguration) async throws -> Int32 {
        let logger = log.logger("celeriac")
        guard configuration.queueEnabled else {
            Terminal.error(Self.queuesAreOff("worker"))
            return 0
        }
        let file = try scheduleFile(configuration)
        let wiring = WorkerWiring(configuration: configuration, options: options, registry: source.program.registry)
        let pools = pools(configuration, wiring)
        show(configuration, wiring, pools)

        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let code: Int32
        do {
            code = try await run(configuration, wiring, pools, file, on: group.next(), logger)
        } catch {
            try await group.shutdownGracefully()
            throw error
        }
        try await group.shutdownGracefully()
        return code
    }

    /// Why a program that works on queues ends at once.
    package static func queuesAreOff(_ name: String) -> String {
        "\(name): queues are switched off (QUEUE_ENABLED or queue_enabled is false), so there is nothing to do"
    }

    private func run(
        _ configuration: CeleriacConfiguration,
        _ wiring: WorkerWiring,
        _ pools: PoolWiring,
        _ file: (ScheduleFile, ScheduleSource)?,
        on loop: any EventLoop,
        _ logger: Logger
    ) async throws -> Int32 {
        let transport = try RedisWiring.transport(configuration)
        let broker = RedisBroker(configuration: transport, eventLoop: loop, logger: logger)
        let worker = Worker(
            configuration: wiring.worker,
            broker: broker,
            control: broker,
            tenants: broker,
            codecs: wiring.codecs,
            eventLoop: loop,
            logger: logger
        )
        let beat = file.map { file, source in
            (service: beatService(source, configuration, transport, loop), file: file)
        }
        let ending = Mutex(Ending(hasSoftTime: wiring.worker.softShutdownTimeout > 0))
        let signals = Signals([SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2, SIGTTIN]) { number in
            self.handle(number, worker: worker, beat: beat?.service, logger: logger, ending: ending)
        }
        defer { withExtendedLifetime(signals) {} }
        do {
            if purges { try await purge(wiring.queues.map(\.name), transport: transport, loop: loop, logger: logger) }
            let metrics = try await serveMetrics(worker, beat?.service, loop, logger)
            let sending = beat.map { beat in Task { try await beat.service.run(beat.file) } }
            do {
                try await work(worker, broker, pools, loop, logger, nodeName: wiring.nodeName, ending: ending)
            } catch {
                await metrics?.stop()
                await beat?.service.stop()
                throw error
            }
            await metrics?.stop()
            await beat?.service.stop()
            try await sending?.value
        } catch let error as TransportError where error.code == .authentication {
            logger.critical("Cannot log in at \(transport.broker.redactedURL): \(error.message)")
            ending.withLock { $0.code = 1 }
        } catch let error as TransportError {
            logger.critical("\(transport.broker.unreachable(error.message))")
            ending.withLock { $0.code = 1 }
        }
        return ending.withLock { $0.code }
    }

    private func pools(_ configuration: CeleriacConfiguration, _ wiring: WorkerWiring) -> PoolWiring {
        PoolWiring(
            configuration: configuration,
            options: options,
            wiring: wiring,
            logLevel: log.level,
            registry: source.program.registry
        )
    }

    /// What the schedule says, before anything is started.
    private func scheduleFile(_ configuration: CeleriacConfiguration) throws -> (ScheduleFile, ScheduleSource)? {
        guard let schedule else { return nil }
        let file = try schedule.load(timezone: configuration.timezone)
        guard file.mode == .redis else {
            throw Complaint(
                "\(schedule.path): mode: local runs without workers, by celeriac-beat alone",
                code: .usage
            )
        }
        return (file, schedule)
    }

    /// The embedded beat, which is at the worker's server; its lines have Celery's name of that process.
    private func beatService(
        _ source: ScheduleSource,
        _ configuration: CeleriacConfiguration,
        _ transport: RedisTransportConfiguration,
        _ loop: any EventLoop
    ) -> BeatService {
        var logger = log.logger("celeriac.beat")
        logger[metadataKey: "process"] = "Beat"
        logger.info("beat: Starting...")
        let setup = BeatService.Setup(
            schedule: source,
            nodeName: NodeName.expand("celerybeat@%h", host: Environment.hostname)
        )
        return BeatService(
            setup,
            configuration: configuration,
            transport: transport,
            eventLoop: loop,
            logger: logger
        )
    }

    private func serveMetrics(
        _ worker: Worker,
        _ beat: BeatService?,
        _ loop: any EventLoop,
        _ logger: Logger
    ) async throws -> MetricsServer? {
        if options.metrics != nil { await worker.keepMetrics(options.metricsFamilies) }
        let source: any MetricsSource = if let beat { CombinedMetrics([worker, beat]) } else { worker }
        return try await MetricsServer.serving(options.metrics, of: source, on: loop, logger)
    }

    private func work(
        _ worker: Worker,
        _ broker: RedisBroker,
        _ pools: PoolWiring,
        _ loop: any EventLoop,
        _ logger: Logger,
        nodeName: String,
        ending: borrowing Mutex<Ending>
    ) async throws {
        let until = until
        let readyLine = readyLine
        let companion = try await withThrowingTaskGroup(of: Part.self) { group -> Result<Int32, any Error>? in
            group.addTask {
                try await worker.run(
                    makePools: { pools.makePools(on: loop, logger: logger, onEvents: $0) },
                    onReady: {
                        logger.info("Connected to \(broker.client.configuration.presentURL)")
                        // People and scripts wait for this line, whatever the log level.
                        if readyLine == .always { Self.ready(nodeName, logger) }
                    }
                )
                return .worker
            }
            if let until {
                group.addTask {
                    do {
                        let code = try await until(broker)
                        await worker.stop(.warm)
                        return .companion(.success(code))
                    } catch {
                        await worker.stop(.warm)
                        return .companion(.failure(error))
                    }
                }
            }
            var result: Result<Int32, any Error>?
            for try await part in group {
                switch part {
                case .worker: group.cancelAll()
                case .companion(let end): result = end
                }
            }
            return result
        }
        switch companion {
        case .success(let code): ending.withLock { $0.code = code }
        case .failure(let error):
            // A worker that was told to stop takes away what its companion works with.
            guard ending.withLock({ $0.isStopping }) else { throw error }
        case nil: break
        }
    }

    /// What runs until the program ends.
    private enum Part {
        case worker
        case companion(Result<Int32, any Error>)
    }

    private static func ready(_ nodeName: String, _ logger: Logger) {
        var loud = logger
        loud.logLevel = min(logger.logLevel, .info)
        loud.info("\(nodeName) ready.")
    }

    private func show(_ configuration: CeleriacConfiguration, _ wiring: WorkerWiring, _ pools: PoolWiring) {
        guard banner == .full else { return }
        let banner = Banner(
            nodeName: wiring.nodeName,
            configuration: configuration,
            wiring: wiring,
            plans: pools.plans,
            showsTasks: log.level <= .info,
            app: source.app,
            autoscale: options.autoscale
        )
        Terminal.out(banner.text)
    }

    private func purge(
        _ queues: [String],
        transport: RedisTransportConfiguration,
        loop: any EventLoop,
        logger: Logger
    ) async throws {
        let client = RedisClient(configuration: transport.broker, eventLoop: loop, logger: logger)
        let count = try await QueuePurge(client: client, keys: transport.keys).run(queues)
        await client.close()
        Terminal.out("purge: Erased \(count) \(count == 1 ? "message" : "messages") from the queue.\n")
    }

    // MARK: Signals

    /// How the worker will end.
    struct Ending {
        var code: Int32 = 0
        var interrupts = 0
        /// How often a cold stop was asked for.
        var colds = 0
        /// Whether the first cold stop gives running tasks time, so that a second one has something to end.
        var hasSoftTime = false
        /// Whether a signal asked for the end.
        var isStopping = false
    }

    private func handle(
        _ number: Int32,
        worker: Worker,
        beat: BeatService?,
        logger: Logger,
        ending: borrowing Mutex<Ending>
    ) {
        if [SIGTERM, SIGINT, SIGQUIT].contains(number) {
            ending.withLock { $0.isStopping = true }
            // A worker that finishes its tasks has others send what is due.
            if let beat { Task { await beat.stop() } }
        }
        let remapped = number == SIGTERM && Environment.all["REMAP_SIGTERM"] == "SIGQUIT" ? SIGQUIT : number
        switch remapped {
        case SIGTERM: stop(.warm, worker)
        case SIGQUIT: stopCold(worker, ending: ending)
        case SIGINT:
            let count = ending.withLock { ending in
                ending.interrupts += 1
                ending.code = 1
                return ending.interrupts
            }
            switch count {
            case 1:
                Terminal.error(
                    "worker: Hitting Ctrl+C again will initiate cold shutdown, terminating all running tasks!"
                )
                stop(.warm, worker)
            case 2:
                ending.withLock { $0.code = 0 }
                stopCold(worker, ending: ending)
            default: stopCold(worker, ending: ending)
            }
        case SIGHUP: reload(worker, beat, logger: logger)
        case SIGUSR1, SIGTTIN: Task { await worker.logRunning() }
        default: break
        }
    }

    /// The first time as configured, then without the soft time, then at once.
    private func stopCold(_ worker: Worker, ending: borrowing Mutex<Ending>) {
        let (count, hasSoftTime) = ending.withLock { ending in
            ending.colds += 1
            return (ending.colds, ending.hasSoftTime)
        }
        switch count {
        case 1: stop(.cold, worker)
        case 2 where hasSoftTime:
            Terminal.error("Waiting gracefully for cold shutdown to complete...")
            Task { await worker.stop(.cold) }
        default: exit(1)
        }
    }

    private func stop(_ kind: StopKind, _ worker: Worker) {
        // The exact words people's scripts look for.
        Terminal.error("\nworker: \(kind == .warm ? "Warm" : "Cold") shutdown (MainProcess)")
        Task { await worker.stop(kind) }
    }

    /// Reads the configuration again; a bad file is reported and the old one stays.
    private func reload(_ worker: Worker, _ beat: BeatService?, logger: Logger) {
        do {
            try log.file.reopen()
            let fresh = try source.load()
            let wiring = WorkerWiring(configuration: fresh, options: options, registry: source.program.registry)
            let setup = pools(fresh, wiring).setup
            let configuration = wiring.worker
            Task {
                await worker.reload(configuration, setup: setup)
                await beat?.reload(configuration: fresh)
            }
        } catch {
            logger.error("The configuration was not reloaded, the old one stays: \(error)")
        }
    }
}
