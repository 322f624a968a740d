public import CeleryMessage

/// Runs tasks here and now, for where no queue can be reached.
public protocol TaskRunning: Sendable {
    /// Whether a task from a queue may be run so.
    func allows(_ task: String, from queue: String) -> Bool
    /// Runs a task once, to its end, also when nobody waits for it any more; two of one id that is to be unique are one run.
    ///
    /// - Throws: ``InspectionError``: `busy` when too many run or wait, `unavailable` when none can run.
    func run(_ request: TaskRequest) async throws -> RunOutcome
}

/// How a task ended that was run at once.
public enum RunOutcome: Sendable, Hashable {
    /// It returned this; the tasks it wanted to send, by their names, were not sent.
    case success(JSONValue, unsent: [String])
    /// It raised an exception of this class.
    case failure(type: String, message: String)
}
