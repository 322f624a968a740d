import BeatRuntime
import CMalloc
import CeleryMessage
package import Exposition
import Glibc
package import Logging
package import MetricsServer
package import NIOCore
import RedisClient
package import RedisTransport
package import Settings
import Synchronization

/// A beat over Redis from its files to its end: connections, reloads, remote control.
package final class BeatService: Sendable {
    /// What the beat is made from.
    package struct Setup: Sendable {
        package var schedule: ScheduleSource
        package var nodeName: String
        /// Whether `inspect ping` is answered.
        package var answersPing = false
        /// The longest time without a look at the clock.
        package var maxInterval: Duration?
        /// Where metrics are served; `nil` for nowhere, or together with a worker's.
        package var metrics: MetricsAddress?

        package init(schedule: ScheduleSource, nodeName: String) {
            self.schedule = schedule
            self.nodeName = nodeName
        }
    }

    private struct State {
        var configuration: CeleriacConfiguration
        var beat: Beat?
        var run: Task<Void, Never>?
        var watch: ScheduleWatch
        var maxTickAge: Duration?
        var isStopping = false
    }

    private let setup: Setup
    private let transport: RedisTransportConfiguration
    private let eventLoop: any EventLoop
    private let logger: Logger
    private let replyTo = Identifier.uuid()
    private let state: Mutex<State>

    /// Prepares a beat; nothing is opened.
    ///
    /// - Parameter transport: where the servers are. A beat beside a worker gets the worker's: of several servers they choose
    ///   the same one only with copies of one value.
    package init(
        _ setup: Setup,
        configuration: CeleriacConfiguration,
        transport: RedisTransportConfiguration,
        eventLoop: any EventLoop,
        logger: Logger
    ) {
        self.setup = setup
        var transport = transport
        // Slots wait for the connection: it is looked for more often than a worker would.
        transport.broker.backoff.ceiling = .seconds(1)
        self.transport = transport
        self.eventLoop = eventLoop
        self.logger = logger
        state = Mutex(State(configuration: configuration, watch: ScheduleWatch(setup.schedule)))
    }

    /// Runs until ``stop()``, or until its task is cancelled.
    ///
    /// - Parameter schedule: what the file said when the program was started.
    /// - Throws: a ``Complaint`` when the server refuses the login; a server that cannot be reached is waited for.
    package func run(_ schedule: consuming ScheduleFile) async throws {
        let configuration = state.withLock { $0.configuration }
        let client = RedisClient(configuration: transport.broker, eventLoop: eventLoop, logger: logger)
        let results = resultClient(transport)
        try await connect(client)
        let store = RedisScheduleStore(
            client: client,
            resultClient: results,
            configuration: transport,
            schedule: schedule.name
        )
        let beat = Beat(
            configuration: beatConfiguration(schedule),
            store: store,
            writer: MessageWriter(configuration, replyTo: replyTo),
            logger: logger
        )
        state.withLock { $0.maxTickAge = schedule.maxTickAge }
        let metrics = try await MetricsServer.serving(setup.metrics, of: beat, on: eventLoop, logger)
        // From here on the beat alone has them, so that a schedule which is replaced is gone.
        await beat.load((consume schedule).entries)
        // Outlives the cancellation of this task by as long as it takes to end in order.
        let run = Task {
            // Making many entries known takes as much memory again as they do.
            await beat.run(onAdopted: { _ = malloc_trim(0) })
        }
        let isStopping = state.withLock { state in
            state.beat = beat
            state.run = run
            return state.isStopping
        }
        if isStopping { await stop() }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.keep(client) }
            if let results { group.addTask { await self.keep(results) } }
            group.addTask { await self.watch() }
            if setup.answersPing {
                group.addTask {
                    let ping = BeatPing(
                        nodeName: self.setup.nodeName,
                        logger: self.logger,
                        stuck: { self.stuck(beat.pulse) }
                    )
                    await ping.run(
                        self.transport,
                        on: self.eventLoop,
                        exchange: configuration.messaging.controlExchange + ".pidbox"
                    )
                }
            }
            await withTaskCancellationHandler {
                await run.value
            } onCancel: {
                Task { await self.stop() }
            }
            group.cancelAll()
        }
        await metrics?.stop()
        await client.close()
        await results?.close()
    }

    /// Ends the beat: what is being sent is finished, for which a server that is silent is not waited for.
    package func stop() async {
        let (beat, run) = state.withLock { state in
            state.isStopping = true
            return (state.beat, state.run)
        }
        guard let beat, let run else { return }
        await beat.stop()
        // Ends with the run, at the latest after a second and a half.
        let limit = Task {
            try? await Task.sleep(for: .milliseconds(1500))
            run.cancel()
        }
        await run.value
        limit.cancel()
    }

    /// Reads the schedule again; a bad file is reported and the old schedule goes on.
    ///
    /// - Parameter configuration: how messages are sent from here on, when that was read again too.
    package func reload(configuration: CeleriacConfiguration? = nil) async {
        let (beat, current) = state.withLock { state in
            if let configuration { state.configuration = configuration }
            state.watch.settle()
            return (state.beat, state.configuration)
        }
        guard let beat else { return }
        do {
            let fresh = try setup.schedule.load(timezone: current.timezone)
            state.withLock { $0.maxTickAge = fresh.maxTickAge }
            await beat.load(fresh.entries, writer: MessageWriter(current, replyTo: replyTo))
        } catch {
            logger.error("beat: The schedule was not reloaded, the old one stays: \(error)")
        }
    }

    /// For how long a beat has not come round, where that is longer than it may be.
    private func stuck(_ pulse: Pulse) -> Duration? {
        let limit = state.withLock { $0.maxTickAge } ?? Self.maxTickAge
        let age = pulse.age
        return limit > .zero && age > limit ? age : nil
    }

    /// How long a beat may take to come round, unless its file says otherwise: Celery's least.
    private static let maxTickAge = Duration.seconds(60)

    // MARK: Parts

    private func beatConfiguration(_ schedule: ScheduleFile) -> BeatConfiguration {
        let name = "\(setup.nodeName)/\(getpid())"
        var beat = BeatConfiguration(
            schedule: schedule.name,
            beatID: "\(name)/\(Identifier.uuid().prefix(8))",
            name: name
        )
        if let interval = setup.maxInterval ?? schedule.maxLoopInterval, interval > .milliseconds(100) {
            beat.turnInterval = min(beat.turnInterval, interval)
        }
        return beat
    }

    private func resultClient(_ transport: RedisTransportConfiguration) -> RedisClient? {
        guard RedisScheduleStore.needsResultClient(transport), let results = transport.results else { return nil }
        return RedisClient(configuration: results, eventLoop: eventLoop, logger: logger)
    }

    private func connect(_ client: RedisClient) async throws {
        do {
            try await client.connect()
            logger.debug("beat: Connected to \(client.configuration.presentURL)")
        } catch  where !error.isTransient {
            throw Complaint(client.configuration.unreachable(error.message))
        } catch {
            logger.error("beat: \(client.configuration.unreachable(error.message)); trying again.")
        }
    }

    /// Keeps a connection up; one that the server refuses is tried again slowly, for passwords change.
    private func keep(_ client: RedisClient) async {
        while !Task.isCancelled {
            do {
                return try await client.run()
            } catch {
                logger.error("beat: Redis refuses the connection: \(error.message)")
                try? await Task.sleep(for: .seconds(5))  // cancelled only with the service
            }
        }
    }

    /// Looks at the file every second, which costs one system call.
    private func watch() async {
        while !Task.isCancelled {
            try? await Task.sleep(for: .seconds(1))  // cancelled only with the service
            if state.withLock({ $0.watch.hasChanged() }), !Task.isCancelled { await reload() }
        }
    }
}

extension BeatService: MetricsSource {
    /// The beat's numbers; none before there is one.
    package func metrics() async -> MetricsText { await state.withLock { $0.beat }?.metrics() ?? MetricsText() }

    /// Whether the beat is ready.
    package func isReady() async -> Bool { await state.withLock { $0.beat }?.isReady() ?? false }

    /// Whether the beat has started.
    package func hasStarted() async -> Bool { await state.withLock { $0.beat }?.hasStarted() ?? false }
}
