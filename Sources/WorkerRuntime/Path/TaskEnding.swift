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
