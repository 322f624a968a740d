import CeleryMessage
import Logging
import NIOCore
import Transport

/// Runs that take long and report nothing: a warning, an event and a metric say so before their limit ends them.
///
/// One timer serves all runs, set for the one that is due first; a run without limits costs nothing.
extension Worker {
    /// Keeps an eye on a run that has just begun, or has just reported something.
    func watchForStall(_ task: ActiveTask) {
        guard let due = task.stallDue, stallTimer.map({ due < $0.due }) ?? true else { return }
        stallTimer?.timer.cancel()
        setStallTimer(for: due)
    }

    private func setStallTimer(for due: NIODeadline) {
        let timer = loop.assumeIsolated().scheduleTask(deadline: due) { [weak self] in
            guard let self else { return }
            self.assumeIsolated { $0.lookForStalls() }
        }
        stallTimer = (timer, due)
    }

    private func lookForStalls() {
        stallTimer = nil
        let clock = NIODeadline.now()
        var next: NIODeadline?
        for task in active.values {
            guard let due = task.stallDue else { continue }
            if due <= clock {
                stall(task, at: clock)
            } else {
                next = min(next ?? due, due)
            }
        }
        if let next, phase < .cold { setStallTimer(for: next) }
    }

    private func stall(_ task: ActiveTask, at clock: NIODeadline) {
        task.stalledSince = now()
        let headers = task.message.headers
        let silent = Self.seconds(from: task.reportedAt ?? task.startedAt, to: clock)
        let running = Self.seconds(from: task.startedAt, to: clock)
        let left = task.limits.hard.map { "; its time limit ends it in \(Self.shown($0 - running))s" } ?? ""
        logger.warning(
            "Task \(headers.label) stalled: no progress for \(Self.shown(silent))s\(left)",
            metadata: ["task_id": "\(headers.id)"]
        )
        tell(
            "task-stalled",
            of: task.policy,
            .stalled(headers, silent: silent, running: running, limit: task.limits.hard)
        )
        guard counters != nil else { return }
        counters?.count(headers.task, queue: queues[task.queue].policy.name) { $0.stalled += 1 }
    }

    /// A run has reported something: it is not stalled, or no longer.
    func noteReport(of task: ActiveTask) {
        guard task.limits.stalled != nil else { return }
        task.reportedAt = .now()
        guard task.stalledSince != nil else { return }
        task.stalledSince = nil
        let headers = task.message.headers
        logger.info("Task \(headers.label) reports progress again", metadata: ["task_id": "\(headers.id)"])
        watchForStall(task)
    }

    private static func seconds(from start: NIODeadline?, to end: NIODeadline) -> Double {
        start.map { Double((end - $0).nanoseconds) / 1e9 } ?? 0
    }

    private static func shown(_ seconds: Double) -> Double { (max(0, seconds) * 10).rounded() / 10 }
}

extension ActiveTask {
    /// When the run is said to be stalled, unless it reports something before; `nil` where nobody waits for that, or it is
    /// said already.
    fileprivate var stallDue: NIODeadline? {
        guard stalledSince == nil, let seconds = limits.stalled, let last = reportedAt ?? startedAt else { return nil }
        return last + .nanoseconds(Int64(min(seconds, 1e9) * 1e9))
    }
}
