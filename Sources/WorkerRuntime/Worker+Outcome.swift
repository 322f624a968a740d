import CeleriacTasks
import CeleryMessage
import DequeModule
import Logging
import NIOCore
import Transport
import WorkerPool

extension Worker {
    /// What the pools report, in batches.
    func handle(_ events: [PoolEvent]) {
        let seconds = Double(NIODeadline.now().uptimeNanoseconds) / 1e9
        var ended: [Int: Int] = [:]
        for event in events {
            if let pool = handle(event) { ended[pool, default: 0] += 1 }
        }
        for (place, count) in ended { pools[place].pace.count(count, at: seconds) }
        if held.count > 0 { releaseHeld() }
        dispatch()
        wantsClaim.raise()
        if phase > .running { progressed.raise() }
    }

    /// Handles one report; answers the pool whose task it ended.
    private func handle(_ event: PoolEvent) -> Int? {
        switch event {
        case .started(let job, let processID):
            active[job].map { started($0, processID: processID) }
            return nil
        case .state(let job, let state, let meta):
            active[job].map { report($0, state: state, meta: meta) }
            return nil
        case .finished(let job, let report, let runtime): return finished(job, report, runtime: runtime)
        case .timeLimitExceeded(let job, let seconds):
            return end(job, .timeLimitExceeded(seconds: seconds), enqueued: [], runtime: nil)
        case .lost(let job, let exit): return end(job, .workerLost(exit), enqueued: [], runtime: nil)
        case .returned(let job):
            returned(job)
            return nil
        case .log(let record):
            record.write(to: logger)
            return nil
        case .capacityChanged: return nil
        }
    }

    private func started(_ task: ActiveTask, processID: Int32) {
        task.startedAt = .now()
        task.processID = processID
        if task.limits.stalled != nil { watchForStall(task) }
        count(started: task)
        tell("task-started", of: task.policy, .started(task.message.headers))
        guard task.policy.trackStarted else { return }
        pendingStates[task.job] = tracer.started(
            task.received,
            tag: task.tag,
            policy: task.policy,
            processID: processID
        )
        wantsCommit.raise()
    }

    /// A state on the way: only the newest one of a task waits to be stored.
    private func report(_ task: ActiveTask, state: String, meta: [UInt8]) {
        task.lastState = state
        task.lastMeta = meta
        noteReport(of: task)
        guard let commit = tracer.state(state, meta: meta, of: task.received, tag: task.tag, policy: task.policy) else {
            return
        }
        pendingStates[task.job] = commit
        wantsCommit.raise()
    }

    private func finished(_ job: UInt64, _ report: HandlerReport, runtime: Duration) -> Int? {
        let outcome: TaskOutcome =
            switch report.outcome {
            case .success(let result): .success(result: result)
            case .failure(let failure, let traceback): .failure(ExceptionInfo(failure), traceback: traceback)
            case .retry(let retry, let traceback): .retry(retry, traceback: traceback)
            case .ignore: .ignored
            case .reject(let reject): .rejected(reject)
            case .replace(let signature): .replaced(by: signature)
            case .cancelled(.revoked): .revoked(reason: .terminated)
            case .cancelled(.shutdown): .interrupted
            case .cancelled(.softTimeLimit): .failure(.softTimeLimitExceeded(), traceback: nil)
            }
        return end(
            job,
            outcome,
            enqueued: report.enqueued,
            chordAdditions: report.chordAdditions,
            runtime: runtime
        )
    }

    /// The one place where a task ends: its effects, with the acknowledgement, go to the broker as one commit.
    @discardableResult
    func end(
        _ job: UInt64,
        _ outcome: TaskOutcome,
        enqueued: [Signature],
        chordAdditions: [Signature] = [],
        runtime: Duration?
    ) -> Int? {
        guard let task = active.removeValue(forKey: job) else { return nil }
        if task.isHeld {
            queues[task.queue].held -= 1
            held.remove(job, of: task.message.headers.task)
        } else {
            queues[task.queue].inHand -= 1
        }
        switch task.stage {
        case .asked: pools[task.pool].asked -= 1
        case .reserved: break
        case .dispatched: pools[task.pool].dispatched -= 1
        }
        let lastState = pendingStates.removeValue(forKey: job)
        let moment = now()
        var ending = tracer.ending(
            of: task.received,
            item: task.item,
            tag: task.tag,
            queue: queues[task.queue].policy.name,
            policy: task.policy,
            outcome: outcome,
            enqueued: enqueued,
            chordAdditions: chordAdditions,
            run: task.run(until: moment, clock: .now(), runtime: runtime),
            now: moment
        )
        if let lastState { ending.keep(lastState) }
        totals[task.message.headers.task, default: 0] += 1
        count(ending.verdict, of: task, runtime: runtime)
        TaskLog.write(
            ending.verdict,
            of: task.message.headers,
            policy: task.policy,
            runtime: runtime,
            hiding: secrets,
            to: logger
        )
        enqueue(
            ending.commit,
            due: ending.due,
            event: draft(ending, of: task, after: outcome, runtime: runtime),
            freeing: task.slot
        )
        tellSent(ending.commit)
        return task.pool
    }

    /// The pool gives back what it never started: it runs elsewhere, ahead of what waits.
    private func returned(_ job: UInt64) {
        guard let task = active[job] else { return }
        if task.isCalledOff {
            end(job, .revoked(reason: .revoked), enqueued: [], runtime: nil)
            return
        }
        guard phase == .running, !pausedQueues.contains(queues[task.queue].policy.name) else {
            end(job, .interrupted, enqueued: [], runtime: nil)
            return
        }
        task.stage = .reserved
        pools[task.pool].dispatched -= 1
        pools[task.pool].reserved.prepend(job)
    }
}

extension ExceptionInfo {
    /// A handler's failure as it goes on the wire.
    init(_ failure: TaskFailure) {
        self.init(module: failure.module, type: failure.type, arguments: failure.arguments)
    }
}
