import CeleriacTasks
public import Logging
public import NIOCore

/// Runs handlers in processes of their own: a crash, a leak or a hang there costs one process, not the worker.
///
/// Each process is the worker's own program started again with a socket to the controller. A process takes the next
/// runs ahead of time as long as they are expected to be short, so that short runs travel many to a write; once one
/// takes long, what waits behind it comes back. Mirrors Celery's prefork pool with `-O fair`.
public final class ProcessPool: TaskPool, @unchecked Sendable {
    // All that can change is touched on `eventLoop` only; the public methods check that they are called there.
    let configuration: PoolConfiguration
    let eventLoop: any EventLoop
    let logger: Logger
    let events: EventBatch
    let deadlines: DeadlineTimer<Deadline>

    var setup: PoolSetup
    var target: Int
    var members: [PoolProcess] = []
    var jobs: [UInt64: PooledJob] = [:]
    var backlog = Queue<PoolTask>()
    var estimates = RunTimeEstimates()
    private var dirty: [PoolProcess] = []
    private var isFlushScheduled = false

    var nextIndex = 1
    var failures = 0
    var isRespawnScheduled = false
    var isStopping = false
    var startPromise: EventLoopPromise<Void>?
    var stopPromises: [EventLoopPromise<Void>] = []

    /// What a run has in the heap of deadlines.
    enum Deadline {
        /// It runs long: nothing is to wait behind it.
        case long(UInt64)
        /// Its soft limit.
        case soft(UInt64)
        /// Its hard limit.
        case hard(UInt64)
        /// It is to be ended, and what waited behind it had time to come back.
        case terminate(UInt64)

        var job: UInt64 {
            switch self {
            case .long(let job), .soft(let job), .hard(let job), .terminate(let job): job
            }
        }
    }

    /// Makes a pool that does nothing until ``start()``.
    ///
    /// - Parameter onEvents: Called on `eventLoop` with what happened in a turn of it, in order.
    public init(
        configuration: PoolConfiguration,
        eventLoop: any EventLoop,
        logger: Logger,
        onEvents: @escaping @Sendable ([PoolEvent]) -> Void
    ) {
        self.configuration = configuration
        self.eventLoop = eventLoop
        self.logger = logger
        setup = configuration.setup
        target = max(1, configuration.processes)
        events = EventBatch(eventLoop: eventLoop, onEvents: onEvents)
        deadlines = DeadlineTimer(eventLoop: eventLoop)
    }

    /// The pool's name.
    public var name: String { configuration.name }

    /// How many runs it takes at the same time now.
    public var capacity: Int {
        eventLoop.preconditionInEventLoop()
        return members.count { $0.phase == .ready } * slots
    }

    /// How many more runs it takes well now.
    public var free: Int {
        eventLoop.preconditionInEventLoop()
        var free = -backlog.count
        for member in members where member.phase == .ready {
            let room = max(0, slots - member.unfinished)
            free += min(room + freeAhead(member), roomBeforeReplacement(member))
        }
        return max(0, free)
    }

    /// The processes that run tasks now.
    public var processes: [PoolProcessInfo] {
        eventLoop.preconditionInEventLoop()
        return members.map { member in
            PoolProcessInfo(
                name: member.name,
                processID: member.processID,
                running: member.running.map(\.job),
                tasksDone: member.done,
                startedAt: member.startedAt
            )
        }
    }

    /// How many runs a process takes at a time.
    var slots: Int { max(1, configuration.slots) }

    // MARK: Giving out runs

    /// Takes runs; see ``TaskPool/submit(_:)``.
    public func submit(_ tasks: [PoolTask]) {
        eventLoop.preconditionInEventLoop()
        if isStopping {
            for task in tasks { events.emit(.returned(job: task.job)) }
            return
        }
        for task in tasks { backlog.append(task) }
        dispatch()
    }

    /// Gives out what waits in the controller, in order, until no process can take the next.
    func dispatch() {
        guard !backlog.isEmpty else { return }
        let now = NIODeadline.now()
        while let task = backlog.first {
            let estimate = estimates[task.request.task]
            guard let member = chooseFree() ?? chooseAhead(task, estimate) else { return }
            _ = backlog.popFirst()
            give(task, to: member, estimate, now)
        }
    }

    /// The process with a free slot that has least to do.
    private func chooseFree() -> PoolProcess? {
        var best: PoolProcess?
        for member in members
        where member.phase == .ready && member.unfinished < slots && !member.isRecalling
            && roomBeforeReplacement(member) > 0
        {
            if best.map({ member.unfinished < $0.unfinished }) ?? true { best = member }
        }
        return best
    }

    /// The process that gets to the task soonest, if the task is short enough to be queued at all.
    private func chooseAhead(_ task: PoolTask, _ estimate: RunTimeEstimates.Estimate) -> PoolProcess? {
        guard estimate.confidence > 0, task.argumentBytes <= Self.mostBytesAhead else { return nil }
        var best: PoolProcess?
        for member in members
        where freeAhead(member) > 0 && member.waiting.count < estimate.confidence
            && member.expectedSeconds + estimate.seconds <= lookahead && roomBeforeReplacement(member) > 0
        {
            if best.map({ member.expectedSeconds < $0.expectedSeconds }) ?? true { best = member }
        }
        return best
    }

    private static let mostBytesAhead = 256 << 10

    /// How much work may wait in a process, in seconds.
    private var lookahead: Double { Double(configuration.lookahead.nanoseconds) / 1e9 * Double(slots) }

    /// How many runs of the usual mix may be queued in a process beyond those that wait there.
    private func freeAhead(_ member: PoolProcess) -> Int {
        guard member.phase == .ready, !member.isRecalling, member.longRuns < slots, lookahead > 0 else { return 0 }
        let usual = max(estimates.all.seconds, 1e-6)
        let most = min(RunTimeEstimates.mostAhead - slots, estimates.all.confidence, Int(lookahead / usual))
        return max(0, most - member.waiting.count)
    }

    /// How many runs a process may still be given before its share is used up.
    func roomBeforeReplacement(_ member: PoolProcess) -> Int {
        configuration.maxTasksPerChild.map { max(0, max(1, $0) - member.accepted) } ?? .max
    }

    private func give(
        _ task: PoolTask,
        to member: PoolProcess,
        _ estimate: RunTimeEstimates.Estimate,
        _ now: NIODeadline
    ) {
        let length = member.append { task.append(to: &$0, limit: configuration.frameLimit) }
        guard length <= configuration.frameLimit else { return refuse(task, length) }
        member.accepted += 1
        let job = PooledJob(task, ordinal: UInt64(member.accepted), estimate: estimate, process: member)
        jobs[task.job] = job
        markDirty(member)
        if member.running.count < slots {
            begin(job, in: member, now)
        } else {
            member.waiting.append(job)
            member.expectedSeconds += job.expectedSeconds
        }
        shareUsed(by: member)
    }

    /// Has the next process started shortly before this one has run its share, and ends this one's turn after it.
    private func shareUsed(by member: PoolProcess) {
        guard let share = configuration.maxTasksPerChild else { return }
        let room = roomBeforeReplacement(member)
        guard room <= min(16, share / 4) else { return }
        if !member.wantsReplacement {
            member.finishesShare = true
            replace(member)
        }
        if room == 0, member.replacement?.phase == .standby { member.phase = .draining }
    }

    private func refuse(_ task: PoolTask, _ length: Int) {
        let failure = TaskFailure.valueError(
            "the task's arguments of \(length) bytes are above the pool's \(configuration.frameLimit)"
        )
        let traceback = HandlerRun.traceback(failure, task: task.request.task)
        let report = HandlerReport(outcome: .failure(failure, traceback: traceback))
        events.emit(.finished(job: task.job, report: report, runtime: .zero))
    }

    /// Takes note that a run has the slot it needs.
    ///
    /// The process works by the same rule, so it need not say so.
    private func begin(_ job: PooledJob, in member: PoolProcess, _ now: NIODeadline) {
        job.startedAt = now
        member.running.append(job)
        events.emit(.started(job: job.job, processID: member.processID))
        watch(job, startedAt: now)
        if job.isToEnd { deadlines.add(.terminate(job.job), at: now) }
    }

    func markDirty(_ member: PoolProcess) {
        guard !member.isDirty else { return }
        member.isDirty = true
        dirty.append(member)
        guard !isFlushScheduled else { return }
        isFlushScheduled = true
        eventLoop.execute { self.flush() }
    }

    private func flush() {
        isFlushScheduled = false
        let members = dirty
        dirty.removeAll(keepingCapacity: true)
        for member in members { member.flush() }
    }

    // MARK: What processes say

    /// Handles one frame of a process.
    ///
    /// - Throws: ``PoolError`` when it breaks the protocol; the process is killed then.
    func receive(_ kind: Frame.Kind, _ payload: RawSpan, from member: PoolProcess) throws(PoolError) {
        switch kind {
        case .ready: try becomeReady(member, ReadyFrame(payload: payload))
        case .outcome: finish(try OutcomeFrame(payload: payload), in: member)
        case .returned: takeBack(try ReturnedFrame(payload: payload), from: member)
        case .state:
            let frame = try StateFrame(payload: payload)
            guard let job = jobs[frame.job], job.process === member else { return }
            events.emit(.state(job: frame.job, state: frame.state, meta: frame.meta))
        case .log:
            let record = try PoolLogRecord(
                payload: payload,
                processName: member.name,
                processID: member.processID
            )
            events.emit(.log(record))
        case .hello, .run, .recall, .cancel, .shutdown:
            throw PoolError(
                code: .malformedFrame,
                message: "a frame of kind \(kind.rawValue) is not for the controller"
            )
        }
    }

    private func finish(_ frame: OutcomeFrame, in member: PoolProcess) {
        // The end of a run that was given up concerns nobody any more.
        guard let job = jobs[frame.job], job.process === member else { return }
        if job.startedAt == nil { events.emit(.started(job: job.job, processID: member.processID)) }
        remove(job)
        member.done += 1
        failures = 0
        let seconds = Double(frame.runtime.nanoseconds) / 1e9
        job.estimate.learn(seconds)
        estimates.all.learn(seconds)
        events.emit(.finished(job: frame.job, report: frame.report, runtime: frame.runtime))
        beginWaiting(in: member)
    }

    /// Forgets a run and frees its slot.
    func remove(_ job: PooledJob) {
        jobs[job.job] = nil
        let member = job.process
        if job.startedAt == nil {
            if member.waiting.remove(where: { $0 === job }) { forgetExpected(job) }
        } else if let place = member.running.firstIndex(where: { $0 === job }) {
            // The rest stays in the order of its start, which a crash asks for.
            member.running.remove(at: place)
            if job.isLong { member.longRuns -= 1 }
        }
    }

    /// Takes note of the runs for which slots came free.
    private func beginWaiting(in member: PoolProcess) {
        guard !member.waiting.isEmpty, member.phase != .condemned, member.phase != .killed else { return }
        let now = NIODeadline.now()
        while member.running.count < slots, let job = member.waiting.popFirst() {
            forgetExpected(job)
            begin(job, in: member, now)
        }
    }

    private func forgetExpected(_ job: PooledJob) {
        let member = job.process
        member.expectedSeconds = member.waiting.isEmpty ? 0 : max(0, member.expectedSeconds - job.expectedSeconds)
    }

    private func takeBack(_ frame: ReturnedFrame, from member: PoolProcess) {
        if frame.answersRecall { member.isRecalling = false }
        for id in frame.jobs {
            guard let job = jobs[id], job.process === member else { continue }
            remove(job)
            events.emit(.returned(job: id))
        }
        guard frame.answersRecall else { return }
        // What did not come back has begun.
        let now = NIODeadline.now()
        for job in member.waiting.removeAll() { begin(job, in: member, now) }
        member.expectedSeconds = 0
        events.emit(.capacityChanged)
    }

    /// Does what follows from the frames that came together: gives out more, replaces processes, tells the engine.
    func endOfBatch(of member: PoolProcess) {
        if member.phase == .ready { checkMemory(of: member) }
        checkDone(member)
        dispatch()
        events.deliver()
        // The engine has most likely just given out more.
        flush()
    }

    /// Asks a process to give back what has not started in it.
    func recall(_ member: PoolProcess) {
        guard !member.isRecalling, !member.waiting.isEmpty else { return }
        member.isRecalling = true
        member.append { _ = $0.append(.recall) }
        markDirty(member)
    }
}
