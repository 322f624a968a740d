import CeleryMessage
import Transport

/// What follows from a task's end: one atomic commit, and what the log says.
struct TaskEnding {
    /// Everything that happens on Redis, with the acknowledgement.
    var commit: Commit
    /// What to write into the log.
    var verdict: Verdict
    /// When a parked retry is due.
    var due: Instant?
    /// How the task ended for good; `nil` where it goes on in another attempt, on another worker or under another name.
    var finish: Finish?

    /// A task's end as the history shows it.
    struct Finish {
        var state: TaskState
        var result: [UInt8]?
        var exception: ExceptionInfo?
        var traceback: String?
        /// What else is to be said about a failure.
        var remark: String?

        /// Whether the task has failed for good, so that somebody may want it to run once more.
        var isDead: Bool { state == .failure || state == .rejected }
    }

    /// Stores the last state that the run reported, where its end stores none: `update_state` before `Ignore` or `Reject`
    /// is how tasks set a state of their own.
    mutating func keep(_ state: Commit) {
        for case .store(let result) in state.effects {
            let isReplaced = commit.effects.contains { effect in
                if case .store(let final) = effect { final.taskID == result.taskID } else { false }
            }
            if !isReplaced { commit.effects.insert(.store(result), at: 0) }
        }
    }

    /// How the task ended, for the log.
    enum Verdict {
        case succeeded(result: [UInt8])
        case failed(ExceptionInfo, traceback: String?)
        case retried(cause: ExceptionInfo?, countdown: Double)
        case ignored
        case rejected(reason: String, requeue: Bool)
        case revoked(ExceptionInfo.RevokeReason)
        case timedOut(seconds: Double)
        case lost(String)
        case interrupted
    }
}
