public import CeleriacTasks
public import CeleryMessage
public import WorkerPool

/// How a task ended, whoever found out: its handler, its pool, or the worker itself.
public enum TaskOutcome: Sendable {
    /// It returned: JSON text of the value.
    case success(result: [UInt8])
    /// An earlier run of it had succeeded: the record of that.
    case alreadySucceeded(ResultRecord)
    /// It failed.
    case failure(ExceptionInfo, traceback: String?)
    /// It asked to run again, or its policy does after this failure.
    case retry(TaskRetry, traceback: String)
    /// It ended without a result.
    case ignored
    /// It gave its place to another signature.
    case replaced(by: Signature)
    /// It rejected its message.
    case rejected(TaskReject)
    /// It was called off.
    case revoked(reason: ExceptionInfo.RevokeReason)
    /// Its hard time limit passed.
    case timeLimitExceeded(seconds: Double)
    /// Its process died.
    case workerLost(ProcessExit)
    /// It gave way to a cold stop: its message goes back.
    case interrupted
}
