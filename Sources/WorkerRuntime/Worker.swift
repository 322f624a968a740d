import CeleriacTasks
public import CeleryMessage
import DequeModule
public import Logging
public import NIOCore
public import Transport
public import WorkerPool

/// Takes messages, runs their tasks in pools and commits what follows, until told to stop.
///
/// A message's path, one step a file:
/// claim (`Worker+Consume`) → decode and admit (`Worker+Admit`, ``Admission``) → dispatch (`Worker+Dispatch`) → pool →
/// outcome (`Worker+Outcome`, ``TaskOutcome``) → effects (``Tracer``) → commit (`Worker+Commit`).
///
/// The actor runs on the event loop that also carries the broker's connections and the pools' sockets, so no step hops
/// threads, and everything that happens within one turn of the loop leaves in one write.
public actor Worker {
    nonisolated let loop: any EventLoop
    /// The event loop: the actor shares it with the connections.
    public nonisolated var unownedExecutor: UnownedSerialExecutor { loop.executor.asUnownedSerialExecutor() }

    /// How far the worker is on its way out.
    enum Phase: Int, Comparable {
        case running
        /// No new work; what runs finishes.
        case warm
        /// What runs is cancelled and goes back.
        case cold
        case stopped

        static func < (left: Phase, right: Phase) -> Bool { left.rawValue < right.rawValue }
    }

    nonisolated let broker: any Broker
    nonisolated let control: (any ControlChannel)?
    nonisolated let tenantLedger: (any TenantLedger)?
    nonisolated let codecs: MessageCodecs
    nonisolated let logger: Logger
    nonisolated let now: @Sendable () -> Instant
    nonisolated let random: @Sendable (ClosedRange<Int>) -> Int

    var configuration: WorkerConfiguration
    var admission: Admission
    var tracer: Tracer
    var revoked: RevokedTasks
    var secrets: SecretNames

    // MARK: Work in hand

    var pools: [PoolState] = []
    var queues: [QueueState] = []
    /// The queues that are paused, of whatever worker.
    var pausedQueues: Set<String> = []
    var active: [UInt64: ActiveTask] = [:]
    var nextJob: UInt64 = 1
    var totals: [String: Int] = [:]

    /// Tasks in hand that wait for their rate limits.
    var held = HeldTasks()
    var heldTimer: Scheduled<Void>?

    /// Rings when the first of the running tasks is due to be called stalled.
    var stallTimer: (timer: Scheduled<Void>, due: NIODeadline)?
    /// Tasks that wait for a word about their tenants' plans.
    var tenantGate = TenantGate()

    // MARK: Remote control and events

    var events: EventDispatcher
    var eventsOnTheirWay = 0
    var flood = RequestFlood()
    var memorySamples: [String] = []
    nonisolated let startedAt: Instant
    /// What is counted for Prometheus; `nil` where nobody asks.
    var counters: WorkerMetrics?

    // MARK: Commits on their way

    var pending: Deque<PendingCommit> = []
    var pendingStates: [UInt64: Commit] = [:]
    /// Whether running tasks have the soft time of a cold stop to end by themselves.
    var isInSoftTime = false
    var commitsInFlightCount = 0
    var claimsInFlight = 0
    var missedRoom = false
    var chords = ChordDuties()

    // MARK: Signals

    var phase = Phase.running
    var stoppedCold = false
    var connected = true
    let wantsClaim = LoopSignal()
    let wantsCommit = LoopSignal()
    let wantsDue = LoopSignal()
    let wantsBeat = LoopSignal()
    let wantsSweep = LoopSignal()
    let wantsScale = LoopSignal()
    let wantsChords = LoopSignal()
    let wantsChordSweep = LoopSignal()
    let wantsPulse = LoopSignal()
    let wantsMingle = LoopSignal()
    let wantsTenants = LoopSignal()
    let restored = LoopSignal()
    let progressed = LoopSignal()
    var nextDue: Instant?

    /// Prepares a worker; nothing is started.
    ///
    /// - Parameters:
    ///   - control: how it hears requests and sends events; without it there is neither.
    ///   - tenants: counts what runs for each tenant; without it no plan bounds anything.
    ///   - eventLoop: carries the broker's connections too.
    ///   - makePool: makes each pool by name; its events are to be handed to the closure given, on the event loop.
    ///   - now: wall time.
    ///   - random: draws retry jitter.
    public init(
        configuration: WorkerConfiguration,
        broker: any Broker,
        control: (any ControlChannel)? = nil,
        tenants: (any TenantLedger)? = nil,
        codecs: MessageCodecs,
        eventLoop: any EventLoop,
        logger: Logger,
        now: @escaping @Sendable () -> Instant = { .now() },
        random: @escaping @Sendable (ClosedRange<Int>) -> Int = { Int.random(in: $0) }
    ) {
        self.configuration = configuration
        self.broker = broker
        self.control = control
        tenantLedger = tenants
        self.codecs = codecs
        self.logger = logger
        self.now = now
        self.random = random
        loop = eventLoop
        admission = Admission(tasks: configuration.tasks)
        tracer = Tracer(configuration: configuration, codecs: codecs, random: random)
        secrets = SecretNames(configuration.secretNames)
        startedAt = now()
        revoked = RevokedTasks(
            limit: configuration.control.revokesLimit,
            timeToLive: .seconds(configuration.control.revokesTimeToLive)
        )
        events = EventDispatcher(
            configuration: configuration.events,
            hostname: configuration.nodeName,
            origin: configuration.origin,
            processID: SystemFacts.processID,
            utcOffset: SystemFacts.hoursWest
        )
    }

    // MARK: Running

    /// Starts pools and connections, works until stopped, and answers when everything in hand is settled.
    ///
    /// - Parameters:
    ///   - makePools: makes the pools; their events go to the closure given, on the event loop, in batches.
    ///   - onReady: called once messages are being taken.
    public func run(
        makePools: @Sendable (_ onEvents: @escaping @Sendable ([PoolEvent]) -> Void) -> [any TaskPool],
        onReady: @Sendable () -> Void
    ) async throws {
        let made = makePools { [weak self] events in
            guard let self else { return }
            self.assumeIsolated { $0.handle(events) }
        }
        pools = made.map { PoolState(pool: $0) }
        queues = configuration.queues.map { QueueState(policy: $0, pool: place(ofPool: $0.pool)) }
        applyRateLimits()
        let pools = made
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for pool in pools { group.addTask { try await pool.start() } }
                group.addTask { try await self.connect() }
                try await group.waitForAll()
            }
        } catch {
            for pool in pools { await pool.stop(killAfter: .zero) }
            await broker.stop()
            // A worker that was told to stop before it took anything has done so.
            guard phase == .running else { return }
            throw error
        }
        onReady()
        await withTaskExecutorPreference(LoopTaskExecutor(loop)) {
            await withDiscardingTaskGroup { group in
                // Two claims overlap, so that the next batch is on its way while one is being run; commits likewise.
                for _ in 0..<2 { group.addTask { await self.consume() } }
                for _ in 0..<3 { group.addTask { await self.commitLoop() } }
                group.addTask { await self.heartbeatLoop() }
                group.addTask { await self.dueLoop() }
                group.addTask { await self.sweepLoop() }
                group.addTask { await self.autoscaleLoop() }
                for _ in 0..<4 { group.addTask { await self.chordLoop() } }
                group.addTask { await self.chordSweepLoop() }
                group.addTask { await self.pulseLoop() }
                group.addTask { await self.mingle() }
                group.addTask { await self.tenantLoop() }
            }
        }
        await announce("worker-offline")
        // After a cold stop nothing that still runs has a message left to answer for.
        let patience: Duration = stoppedCold ? .zero : .seconds(5)
        for pool in pools { await pool.stop(killAfter: patience) }
        await broker.stop()
    }

    /// Connects, waiting longer after each failure as Celery does; what cannot get better by waiting is thrown.
    private func connect() async throws {
        let names = configuration.queues.map(\.name)
        var failures = 0
        while true {
            do {
                try await broker.start(queues: names) { [weak self] notice in
                    guard let self else { return }
                    self.assumeIsolated { $0.handle(notice) }
                }
                break
            } catch let error as TransportError where error.code == .connection {
                failures += 1
                guard phase == .running, configuration.connectRetries.map({ failures <= $0 }) ?? true else {
                    throw error
                }
                let wait = min(32, 2 * failures)
                let count = configuration.connectRetries.map { "\(failures)/\($0)" } ?? "\(failures)"
                let reason = error.message.prefix(1).uppercased() + error.message.dropFirst()
                logger.error("consumer: \(reason)")
                logger.error("Trying again in \(wait).00 seconds... (\(count))")
                let retry = NIODeadline.now() + .seconds(Int64(wait))
                while phase == .running, NIODeadline.now() < retry {
                    await self.wait(retry - .now(), or: wantsDue)
                }
                guard phase == .running else { throw error }
            }
        }
        await startControl()
        // Should it fail, the next one tells the same in a moment.
        if let beat = try? await broker.heartbeat(holding: []) { nextDue = beat.nextDue }
    }

    func place(ofPool name: String) -> Int {
        pools.firstIndex { $0.pool.name == name } ?? pools.firstIndex { $0.pool.name == configuration.defaultPool } ?? 0
    }

    private func handle(_ notice: BrokerNotice) {
        switch notice {
        case .wake:
            wantsClaim.raise()
        case .lost(let reason):
            // Each attempt to connect again that fails is told too.
            if connected { counters?.disconnections += 1 }
            connected = false
            logger.warning("Lost the connection to the broker: \(reason). Running tasks go on; reconnecting")
        case .restored:
            if !connected {
                logger.info("Connected to the broker again")
                // Others have taken the silence for an end. It ends with the broker's answer.
                Task { await self.announce("worker-online") }
            }
            connected = true
            restored.raise()
            wantsClaim.raise()
            wantsCommit.raise()
            wantsDue.raise()
            wantsTenants.raise()
        case .paused(let names): pause(names)
        }
    }
}
