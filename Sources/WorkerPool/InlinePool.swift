public import CeleriacTasks
import CeleryMessage
import Glibc
public import Logging
public import NIOCore
import Synchronization

/// Runs handlers inside the controller, as Swift tasks on threads of their own: for tests, and for trusted code in a
/// user's own executable.
///
/// A run cannot be killed here. At its hard limit it is given up: its slot is free at once and what it still does is
/// ignored, but code that never gives way keeps its thread.
public final class InlinePool: TaskPool, @unchecked Sendable {
    // All that can change is touched on `eventLoop` only, apart from `inbox`, which has its own lock.
    private let eventLoop: any EventLoop
    private let registry: HandlerRegistry
    private let events: EventBatch
    private let deadlines: DeadlineTimer<Deadline>
    private let inbox: InlineInbox
    private let threads: HandlerThreads
    private let startedAt = NIODeadline.now()
    private let wallStart: Double

    private var setup: PoolSetup
    private var slots: Int
    private var generation: Generation
    private var jobs: [UInt64: InlineJob] = [:]
    private var backlog = Queue<PoolTask>()
    private var done = 0
    private var isStopping = false
    private var stopPromises: [EventLoopPromise<Void>] = []

    /// The pool's name.
    public let name: String

    /// A run's soft or hard limit.
    private enum Deadline {
        case soft(UInt64)
        case hard(UInt64)

        var job: UInt64 {
            switch self {
            case .soft(let job), .hard(let job): job
            }
        }
    }

    /// A run that has not ended.
    private struct InlineJob {
        var task: Task<Void, Never>
        var cancellation: TaskCancellation
        var timeLimit: Double?
        var generation: Generation
    }

    /// The handlers since the last ``recycle()``, and how many runs still use them.
    private final class Generation {
        let host: HandlerHost
        var running = 0
        var isRetired = false

        init(host: HandlerHost) { self.host = host }
    }

    /// Makes a pool of that many slots.
    ///
    /// - Parameter onEvents: Called on `eventLoop` with what happened in a turn of it, in order.
    public init(
        name: String,
        slots: Int,
        setup: PoolSetup,
        registry: HandlerRegistry,
        eventLoop: any EventLoop,
        logger: Logger,
        onEvents: @escaping @Sendable ([PoolEvent]) -> Void
    ) {
        self.name = name
        self.slots = max(1, slots)
        self.setup = setup
        self.registry = registry
        self.eventLoop = eventLoop
        wallStart = Instant.now().seconds
        events = EventBatch(eventLoop: eventLoop, onEvents: onEvents)
        deadlines = DeadlineTimer(eventLoop: eventLoop)
        inbox = InlineInbox(eventLoop: eventLoop)
        threads = HandlerThreads(limit: System.coreCount)
        generation = Generation(
            host: HandlerHost(registry: registry, setup: setup, processName: name, processID: getpid(), sink: inbox)
        )
    }

    /// How many runs it takes at the same time now.
    public var capacity: Int {
        eventLoop.preconditionInEventLoop()
        return slots
    }

    /// How many more runs it takes well now.
    public var free: Int {
        eventLoop.preconditionInEventLoop()
        return max(0, slots - jobs.count - backlog.count)
    }

    /// The processes that run tasks now.
    public var processes: [PoolProcessInfo] {
        eventLoop.preconditionInEventLoop()
        return [
            PoolProcessInfo(
                name: name,
                processID: getpid(),
                running: jobs.keys.sorted(),
                tasksDone: done,
                startedAt: wallStart
            )
        ]
    }

    /// Starts the pool; see ``TaskPool/start()``.
    public func start() async throws {
        try await eventLoop.submit {
            self.inbox.onItems { [weak self] in self?.receive($0) }
            self.deadlines.onDue { [weak self] deadline, now in self?.deadlineReached(deadline, now) }
        }.get()
    }

    // MARK: Runs

    /// Takes runs; see ``TaskPool/submit(_:)``.
    public func submit(_ tasks: [PoolTask]) {
        eventLoop.preconditionInEventLoop()
        for task in tasks {
            if isStopping { events.emit(.returned(job: task.job)) } else { backlog.append(task) }
        }
        dispatch()
    }

    private func dispatch() {
        guard !backlog.isEmpty, jobs.count < slots else { return }
        let now = NIODeadline.now()
        while jobs.count < slots, let task = backlog.popFirst() { begin(task, now) }
    }

    private func begin(_ task: PoolTask, _ now: NIODeadline) {
        let cancellation = TaskCancellation()
        let host = generation.host
        let inbox = inbox
        events.emit(.started(job: task.job, processID: getpid()))
        generation.running += 1
        // Not a child of anything: the run ends by its own end or by ``cancel(job:reason:)``.
        let running = Task(executorPreference: threads) {
            let begun = MonotonicClock.now()
            let report = await host.run(task, cancellation: cancellation)
            let runtime = Duration.nanoseconds(Int64(MonotonicClock.now() - begun))
            inbox.add(.finished(job: task.job, report: report, runtime: runtime))
        }
        jobs[task.job] = InlineJob(
            task: running,
            cancellation: cancellation,
            timeLimit: task.request.timeLimit,
            generation: generation
        )
        let limits = task.request
        if let soft = limits.softTimeLimit.flatMap(TimeAmount.init(limit:)) { watch(.soft(task.job), now + soft) }
        if let hard = limits.timeLimit.flatMap(TimeAmount.init(limit:)) { watch(.hard(task.job), now + hard) }
    }

    private func watch(_ deadline: Deadline, _ due: NIODeadline) {
        deadlines.add(deadline, at: due)
        if deadlines.count > 64, deadlines.count > 4 * jobs.count { deadlines.compact { jobs[$0.job] == nil } }
    }

    private func receive(_ items: [PoolEvent]) {
        for item in items {
            switch item {
            case .finished(let job, _, _):
                // The end of a run that was given up concerns nobody any more.
                guard forget(job) != nil else { continue }
                done += 1
            case .state(let job, _, _): guard jobs[job] != nil else { continue }
            default: break
            }
            events.emit(item)
        }
        dispatch()
        finishStopIfIdle()
        events.deliver()
    }

    /// Frees a run's slot.
    private func forget(_ id: UInt64) -> InlineJob? {
        guard let job = jobs.removeValue(forKey: id) else { return nil }
        job.generation.running -= 1
        release(job.generation)
        return job
    }

    // MARK: Limits and cancellation

    private func deadlineReached(_ deadline: Deadline, _ now: NIODeadline) {
        switch deadline {
        case .soft(let job): cancelRunning(job, .softTimeLimit)
        case .hard(let id):
            cancelRunning(id, .softTimeLimit)
            guard let seconds = forget(id)?.timeLimit else { return }
            events.emit(.timeLimitExceeded(job: id, seconds: seconds))
            dispatch()
        }
    }

    /// Cancels a run; see ``TaskPool/cancel(job:reason:)``.
    public func cancel(job: UInt64, reason: CancellationReason) {
        eventLoop.preconditionInEventLoop()
        if backlog.remove(where: { $0.job == job }) { return events.emit(.returned(job: job)) }
        cancelRunning(job, reason)
    }

    /// Ends a run that may not cooperate; see ``TaskPool/terminate(job:)``.
    public func terminate(job: UInt64) {
        eventLoop.preconditionInEventLoop()
        if backlog.remove(where: { $0.job == job }) { return events.emit(.returned(job: job)) }
        cancelRunning(job, .revoked)
        guard forget(job) != nil else { return }
        events.emit(.lost(job: job, exit: .terminated))
        dispatch()
    }

    private func cancelRunning(_ id: UInt64, _ reason: CancellationReason) {
        guard let job = jobs[id] else { return }
        job.cancellation.cancel(reason)
        job.task.cancel()
    }

    // MARK: Size and end

    /// Changes the size; see ``TaskPool/resize(to:)``.
    public func resize(to count: Int) {
        eventLoop.preconditionInEventLoop()
        slots = max(1, count)
        events.emit(.capacityChanged)
        dispatch()
    }

    /// Starts afresh without losing a run; see ``TaskPool/recycle()``.
    public func recycle() {
        eventLoop.preconditionInEventLoop()
        let old = generation
        generation = Generation(
            host: HandlerHost(registry: registry, setup: setup, processName: name, processID: getpid(), sink: inbox)
        )
        old.isRetired = true
        release(old)
    }

    /// Takes new settings for what starts from now on; see ``TaskPool/reload(_:)``.
    public func reload(_ setup: PoolSetup) {
        eventLoop.preconditionInEventLoop()
        self.setup = setup
    }

    private func release(_ generation: Generation) {
        guard generation.isRetired, generation.running == 0 else { return }
        let host = generation.host
        // Nobody waits for it: the runs of these handlers have ended.
        Task { await host.shutdown() }
    }

    /// Ends the pool; see ``TaskPool/stop(killAfter:)``.
    public func stop(killAfter: Duration?) async {
        // The future cannot fail: it is succeeded when the last run has ended or was given up.
        try? await eventLoop.flatSubmit { self.beginStop(killAfter: killAfter) }.get()
        let host = try? await eventLoop.submit { self.generation.host }.get()
        await host?.shutdown()
    }

    /// The part of ``stop(killAfter:)`` that runs on the event loop.
    func beginStop(killAfter: Duration?) -> EventLoopFuture<Void> {
        isStopping = true
        for task in backlog.removeAll() { events.emit(.returned(job: task.job)) }
        let promise = eventLoop.makePromise(of: Void.self)
        stopPromises.append(promise)
        if let killAfter {
            eventLoop.scheduleTask(in: TimeAmount(killAfter)) {
                for job in self.jobs.keys.sorted() {
                    self.cancelRunning(job, .shutdown)
                    _ = self.forget(job)
                    self.events.emit(.lost(job: job, exit: .terminated))
                }
                self.finishStopIfIdle()
            }
        }
        finishStopIfIdle()
        return promise.futureResult
    }

    private func finishStopIfIdle() {
        guard isStopping, jobs.isEmpty, !stopPromises.isEmpty else { return }
        deadlines.stop()
        events.deliver()
        for promise in stopPromises { promise.succeed() }
        stopPromises = []
    }
}

/// Carries what runs say from any thread to the event loop, many items in one hop.
private final class InlineInbox: RunSink {
    private let eventLoop: any EventLoop
    private let items = Mutex<[PoolEvent]>([])
    private let receiver: NIOLoopBoundBox<(([PoolEvent]) -> Void)?>

    init(eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
        receiver = .makeEmptyBox(eventLoop: eventLoop)
    }

    /// Sets what is called on the event loop with the items of a moment, in order.
    func onItems(_ receive: @escaping ([PoolEvent]) -> Void) { receiver.value = receive }

    func add(_ item: PoolEvent) {
        let isFirst = items.withLock { items in
            items.append(item)
            return items.count == 1
        }
        if isFirst { eventLoop.execute { self.deliver() } }
    }

    func state(_ frame: StateFrame) {
        add(.state(job: frame.job, state: frame.state, meta: frame.meta))
    }

    func log(_ record: PoolLogRecord) { add(.log(record)) }

    private func deliver() {
        let taken = items.withLock { items in
            let taken = items
            items = []
            return taken
        }
        receiver.value?(taken)
    }
}
