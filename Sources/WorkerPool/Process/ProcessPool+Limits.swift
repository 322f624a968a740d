public import CeleriacTasks
import NIOCore

/// Time limits and cancellation.
extension ProcessPool {
    /// After how long a run counts as long: what waits behind it goes elsewhere.
    static let longRun = TimeAmount.milliseconds(20)
    /// How often a process is given that much more time to begin a run; one that needs longer is taken for stuck.
    private static let mostLateness = 100

    /// Sets the first deadline of a run.
    ///
    /// Its limits follow once it runs long, so that short runs cost one entry that
    /// soon leaves the heap.
    func watch(_ job: PooledJob, startedAt now: NIODeadline) {
        deadlines.add(.long(job.job), at: now + Self.longRun)
        if let limit = job.softTimeLimit, limit <= Self.longRun { deadlines.add(.soft(job.job), at: now + limit) }
        if let limit = job.timeLimit?.amount, limit <= Self.longRun { deadlines.add(.hard(job.job), at: now + limit) }
    }

    /// Does what is due for a run, unless it has ended.
    func deadlineReached(_ deadline: Deadline, now: NIODeadline) {
        guard let job = jobs[deadline.job], let startedAt = job.startedAt, !isLate(deadline, job, now) else { return }
        switch deadline {
        case .long:
            guard now >= startedAt + Self.longRun, !job.isLong else { return }
            becomeLong(job, startedAt)
        case .soft:
            guard let limit = job.softTimeLimit, now >= startedAt + limit else { return }
            sendCancel(job, .softTimeLimit)
        case .hard:
            guard let limit = job.timeLimit, now >= startedAt + limit.amount, !putOff(deadline, job, now) else {
                return
            }
            let member = job.process
            remove(job)
            events.emit(.timeLimitExceeded(job: job.job, seconds: limit.seconds))
            condemn(member)
        case .terminate:
            guard !putOff(deadline, job, now) else { return }
            end(job)
        }
    }

    /// Counts a run's time anew while its process has not got around to it: on a busy machine that takes a while, and
    /// it is not the run's fault.
    private func isLate(_ deadline: Deadline, _ job: PooledJob, _ now: NIODeadline) -> Bool {
        guard let started = job.process.startedOrdinal, job.ordinal > started, job.lateness < Self.mostLateness else {
            return false
        }
        job.lateness += 1
        job.startedAt = now
        deadlines.add(deadline, at: now + Self.longRun)
        return true
    }

    private func becomeLong(_ job: PooledJob, _ startedAt: NIODeadline) {
        job.isLong = true
        job.process.longRuns += 1
        if job.process.longRuns >= slots { recall(job.process) }
        if let limit = job.softTimeLimit, limit > Self.longRun { deadlines.add(.soft(job.job), at: startedAt + limit) }
        if let limit = job.timeLimit?.amount, limit > Self.longRun {
            deadlines.add(.hard(job.job), at: startedAt + limit)
        }
        if deadlines.count > 64, deadlines.count > 4 * jobs.count {
            deadlines.compact { jobs[$0.job] == nil }
        }
    }

    /// Puts a run's end off once while other runs wait behind it: its outcome may be on its way and the next run have
    /// begun.
    ///
    /// After the answer to a recall it is known what runs.
    private func putOff(_ deadline: Deadline, _ job: PooledJob, _ now: NIODeadline) -> Bool {
        guard !job.wasPutOff, !job.process.waiting.isEmpty else { return false }
        job.wasPutOff = true
        recall(job.process)
        deadlines.add(deadline, at: now + Self.longRun)
        return true
    }

    /// Cancels a run; see ``TaskPool/cancel(job:reason:)``.
    public func cancel(job id: UInt64, reason: CancellationReason) {
        eventLoop.preconditionInEventLoop()
        if backlog.remove(where: { $0.job == id }) { return events.emit(.returned(job: id)) }
        if let job = jobs[id] { sendCancel(job, reason) }
    }

    /// Ends a run that may not cooperate; see ``TaskPool/terminate(job:)``.
    public func terminate(job id: UInt64) {
        eventLoop.preconditionInEventLoop()
        if backlog.remove(where: { $0.job == id }) { return events.emit(.returned(job: id)) }
        guard let job = jobs[id] else { return }
        // One that waits comes back by this; for one that runs it is the last chance to clean up.
        sendCancel(job, .revoked)
        guard job.startedAt != nil else {
            job.isToEnd = true
            return
        }
        if !putOff(.terminate(id), job, .now()) { end(job) }
    }

    private func end(_ job: PooledJob) {
        let member = job.process
        remove(job)
        events.emit(.lost(job: job.job, exit: .terminated))
        condemn(member)
    }

    private func sendCancel(_ job: PooledJob, _ reason: CancellationReason) {
        job.process.append { CancelFrame(job: job.job, reason: reason).append(to: &$0) }
        markDirty(job.process)
    }
}
