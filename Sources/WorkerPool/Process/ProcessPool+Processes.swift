import CeleriacTasks
import Logging
import NIOCore
import NIOPosix

/// The processes' lives: start, replacement, end.
extension ProcessPool {
    /// How long a process that has nothing to run may take to end.
    private static let grace = TimeAmount.seconds(10)
    private static let mostFailures = 3

    // MARK: Start

    /// Starts the pool; see ``TaskPool/start()``.
    public func start() async throws {
        do {
            try await eventLoop.flatSubmit { self.beginStart() }.get()
        } catch let error as PoolError where error.code == .stopped {
            // Whoever stops it says how long what runs already may take.
            throw error
        } catch {
            await stop(killAfter: .zero)
            throw error
        }
    }

    private func beginStart() -> EventLoopFuture<Void> {
        guard !isStopping else { return eventLoop.makeFailedFuture(stoppedInStart) }
        let promise = eventLoop.makePromise(of: Void.self)
        startPromise = promise
        deadlines.onDue { [weak self] deadline, now in self?.deadlineReached(deadline, now: now) }
        maintain()
        return promise.futureResult
    }

    /// Starts the processes that are missing, and those that are to replace others.
    func maintain() {
        guard !isStopping, !isRespawnScheduled else { return }
        do {
            while members.count(where: \.isCounted) < target { members.append(try spawn()) }
            for member in members where member.phase == .ready && member.wantsReplacement && member.replacement == nil {
                let replacement = try spawn()
                replacement.isReplacement = true
                member.replacement = replacement
                members.append(replacement)
            }
        } catch {
            failures += 1
            logger.error("pool \(name): \(error)")
            failStart(error)
            maintainLater()
        }
    }

    private func maintainLater() {
        guard !isRespawnScheduled, !isStopping else { return }
        isRespawnScheduled = true
        let delay = min(5000, 100 << min(failures - 1, 10))
        eventLoop.scheduleTask(in: .milliseconds(Int64(delay))) {
            self.isRespawnScheduled = false
            self.maintain()
        }
    }

    private var stoppedInStart: PoolError {
        PoolError(code: .stopped, message: "the pool \(name) was stopped while it started")
    }

    private func failStart(_ error: any Error) {
        startPromise?.fail(error)
        startPromise = nil
    }

    private func spawn() throws(PoolError) -> PoolProcess {
        let (member, socket) = try PoolProcess.spawn(
            name: "\(name)-\(nextIndex)",
            executable: configuration.executable,
            arguments: configuration.arguments,
            environment: configuration.environment
        )
        nextIndex += 1
        logger.debug("pool process started", metadata: ["process": "\(member.name)", "pid": "\(member.processID)"])
        ClientBootstrap(group: eventLoop)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(PoolChannelHandler(pool: self, member: member))
                }
            }
            .withConnectedSocket(socket)
            .whenFailure { error in
                self.logger.error("pool process \(member.name): \(error)")
                self.disconnected(member)
            }
        eventLoop.scheduleTask(in: TimeAmount(configuration.startTimeout)) {
            guard member.phase == .starting, member.exit == nil else { return }
            self.logger.error("pool process \(member.name) is not ready after \(self.configuration.startTimeout)")
            self.kill(member)
        }
        return member
    }

    /// Greets a process whose socket is ready for use.
    func connected(_ member: PoolProcess, _ channel: any Channel) {
        member.channel = channel
        let hello = HelloFrame(
            pool: name,
            process: member.name,
            slots: slots,
            frameLimit: configuration.frameLimit,
            setup: setup
        )
        member.append { hello.append(to: &$0) }
        markDirty(member)
    }

    func becomeReady(_ member: PoolProcess, _ frame: ReadyFrame) throws(PoolError) {
        guard frame.version == Frame.version else {
            throw PoolError(code: .malformedFrame, message: "it speaks version \(frame.version)")
        }
        guard member.phase == .starting else { return }
        member.wasReady = true
        member.keepsBoard = frame.usesBoard
        if let replaced = members.first(where: { $0.replacement === member }) {
            member.phase = .standby
            if replaced.phase == .ready, !replaced.finishesShare || roomBeforeReplacement(replaced) == 0 {
                replaced.phase = .draining
            }
            checkDone(replaced)
        } else {
            open(member)
        }
        if members.count(where: { $0.phase == .ready }) >= target {
            startPromise?.succeed()
            startPromise = nil
        }
    }

    /// Lets a process take runs.
    private func open(_ member: PoolProcess) {
        member.isReplacement = false
        member.phase = .ready
        events.emit(.capacityChanged)
        maintain()
        dispatch()
    }

    // MARK: Replacement

    /// Starts a process to take a place over; until it is ready, the old one goes on.
    func replace(_ member: PoolProcess) {
        member.wantsReplacement = true
        maintain()
    }

    /// Starts afresh without losing a run; see ``TaskPool/recycle()``.
    public func recycle() {
        eventLoop.preconditionInEventLoop()
        for member in members where !member.isSurplus {
            member.wantsReplacement = true
            member.finishesShare = false
            if member.phase == .ready, member.replacement?.phase == .standby { member.phase = .draining }
            checkDone(member)
        }
        maintain()
    }

    /// Takes new settings for what starts from now on; see ``TaskPool/reload(_:)``.
    public func reload(_ setup: PoolSetup) {
        eventLoop.preconditionInEventLoop()
        self.setup = setup
    }

    /// Changes the size; see ``TaskPool/resize(to:)``.
    public func resize(to count: Int) {
        eventLoop.preconditionInEventLoop()
        target = max(1, count)
        let counted = members.filter(\.isCounted)
        let surplus = counted.sorted { $0.costOfEnding < $1.costOfEnding }.prefix(max(0, counted.count - target))
        for member in surplus { drop(member) }
        maintain()
        events.emit(.capacityChanged)
    }

    private func drop(_ member: PoolProcess) {
        member.isSurplus = true
        if let replacement = member.replacement {
            member.replacement = nil
            endUnused(replacement)
        }
        guard member.phase != .starting else { return endUnused(member) }
        member.phase = .draining
        recall(member)
        checkDone(member)
    }

    private func endUnused(_ member: PoolProcess) {
        member.isSurplus = true
        member.isEndWanted = true
        kill(member)
    }

    /// Replaces a process whose memory has grown beyond its bound.
    func checkMemory(of member: PoolProcess) {
        guard let bound = configuration.maxMemoryPerChild, member.done > 0, !member.wantsReplacement else { return }
        let now = NIODeadline.now()
        guard now - member.memoryChecked >= .milliseconds(100) else { return }
        member.memoryChecked = now
        guard let used = member.residentMemory(), used > bound else { return }
        logger.info(
            "pool process is replaced: it uses more memory than max_memory_per_child",
            metadata: ["process": "\(member.name)", "KiB": "\(used)", "bound": "\(bound)"]
        )
        replace(member)
    }

    /// Moves a process on that has nothing left to run.
    func checkDone(_ member: PoolProcess) {
        guard member.unfinished == 0 else { return }
        switch member.phase {
        case .draining: tellToStop(member)
        case .condemned: kill(member)
        case .stopping where !member.hasGrace:
            member.hasGrace = true
            eventLoop.scheduleTask(in: Self.grace) {
                guard member.exit == nil else { return }
                self.logger.warning("pool process \(member.name) does not end and is killed")
                self.kill(member)
            }
        default: break
        }
    }

    private func tellToStop(_ member: PoolProcess) {
        member.isEndWanted = true
        member.phase = .stopping
        member.append { _ = $0.append(.shutdown) }
        markDirty(member)
        passOn(member)
        checkDone(member)
    }

    /// Gives the place of a process to the one that waits for it.
    private func passOn(_ member: PoolProcess) {
        guard let replacement = member.replacement else { return }
        member.replacement = nil
        replacement.isReplacement = false
        if replacement.phase == .standby { open(replacement) }
    }

    // MARK: End

    /// Ends a process for the sake of one run: at once when nothing else runs in it, else after that.
    func condemn(_ member: PoolProcess) {
        guard member.phase != .killed else { return }
        member.isEndWanted = true
        member.phase = .condemned
        if slots == 1 { kill(member) } else { recall(member) }
        passOn(member)
        maintain()
        checkDone(member)
        events.emit(.capacityChanged)
    }

    func kill(_ member: PoolProcess) {
        member.phase = .killed
        member.kill()
        collect(member)
    }

    /// Ends a process that does not keep to the protocol.
    func refuse(_ member: PoolProcess, _ error: PoolError) {
        logger.error("pool process \(member.name) is killed: \(error)")
        kill(member)
    }

    /// Takes note of the end of a process' socket, which comes with its death.
    func disconnected(_ member: PoolProcess) {
        member.isDisconnected = true
        // Ends what its handlers started. A process that is ending by itself keeps its own status.
        member.kill()
        if member.exit == nil { collect(member) } else { bury(member) }
    }

    /// Collects a process' status, which takes some time after its death.
    private func collect(_ member: PoolProcess, attempt: Int64 = 0) {
        if attempt == 0 {
            guard !member.isBeingCollected else { return }
            member.isBeingCollected = true
        }
        guard let exit = member.collect() else {
            eventLoop.scheduleTask(in: .milliseconds(min(1 << min(attempt, 6), 50))) {
                self.collect(member, attempt: attempt + 1)
            }
            return
        }
        member.exit = exit
        if member.isDisconnected { return bury(member) }
        // Its last frames are still to be read. Should somebody else hold its socket, its end is not waited for.
        eventLoop.scheduleTask(in: .milliseconds(500)) {
            if !member.isDisconnected { member.channel?.close(promise: nil) }
        }
    }

    /// Settles what a dead process leaves behind and starts another.
    private func bury(_ member: PoolProcess) {
        guard let place = members.firstIndex(where: { $0 === member }), let exit = member.exit else { return }
        members.remove(at: place)
        member.phase = .killed
        settle(member, exit)
        passOn(member)
        if let replaced = members.first(where: { $0.replacement === member }) { replaced.replacement = nil }
        judge(member, exit)
        if isStopping {
            if members.isEmpty { finishStop() }
        } else if failures > 0, !member.isEndWanted {
            maintainLater()
        } else {
            maintain()
        }
        events.emit(.capacityChanged)
        dispatch()
        events.deliver()
    }

    /// Says of each run whether it is lost or can run elsewhere.
    private func settle(_ member: PoolProcess, _ exit: ProcessExit) {
        let started = member.startedOrdinal
        for job in member.running + member.waiting.removeAll() {
            jobs[job.job] = nil
            let hasBegun = started.map { job.ordinal <= $0 } ?? (job.startedAt != nil)
            if hasBegun, job.startedAt == nil { events.emit(.started(job: job.job, processID: member.processID)) }
            events.emit(hasBegun ? .lost(job: job.job, exit: exit) : .returned(job: job.job))
        }
        member.running = []
    }

    /// Tells a process that cannot even start from one that a task brought down.
    private func judge(_ member: PoolProcess, _ exit: ProcessExit) {
        guard !member.isEndWanted else { return }
        let metadata: Logger.Metadata = [
            "process": "\(member.name)", "pid": "\(member.processID)", "exit": "\(exit)",
        ]
        if member.accepted == 0, !member.wasReady || NIODeadline.now() - member.started < .seconds(1) {
            failures += 1
            logger.error("pool process ended before it ran a task", metadata: metadata)
        } else {
            failures = 0
            logger.warning("pool process ended unexpectedly", metadata: metadata)
        }
        guard startPromise != nil, failures >= Self.mostFailures else { return }
        failStart(PoolError(code: .start, message: "\(configuration.executable) ends with \(exit) before it is ready"))
    }

    // MARK: Stop

    /// Ends the pool; see ``TaskPool/stop(killAfter:)``.
    public func stop(killAfter: Duration?) async {
        // The future cannot fail: it is succeeded when the last process is gone.
        try? await eventLoop.flatSubmit { self.beginStop(killAfter: killAfter) }.get()
    }

    /// The part of ``stop(killAfter:)`` that runs on the event loop.
    func beginStop(killAfter: Duration?) -> EventLoopFuture<Void> {
        isStopping = true
        failStart(stoppedInStart)
        for task in backlog.removeAll() { events.emit(.returned(job: task.job)) }
        for member in members {
            switch member.phase {
            case .starting: endUnused(member)
            case .standby, .ready, .draining: tellToStop(member)
            case .condemned, .stopping, .killed: break
            }
        }
        if let killAfter {
            eventLoop.scheduleTask(in: TimeAmount(killAfter)) {
                for member in self.members { self.kill(member) }
            }
        }
        let promise = eventLoop.makePromise(of: Void.self)
        stopPromises.append(promise)
        if members.isEmpty { finishStop() }
        return promise.futureResult
    }

    private func finishStop() {
        deadlines.stop()
        events.deliver()
        for promise in stopPromises { promise.succeed() }
        stopPromises = []
    }
}

extension PoolProcess {
    /// Whether it is one of the processes the pool is to have.
    var isCounted: Bool {
        switch phase {
        case .starting, .standby, .ready, .draining: !isReplacement && !isSurplus
        case .condemned, .stopping, .killed: false
        }
    }

    /// What is lost when it is ended: least for one that has not begun, most for one with many runs.
    var costOfEnding: Int { phase == .starting ? -1 : unfinished }
}
