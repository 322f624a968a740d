public import CeleryMessage

/// How a handler ended, before the worker decides what follows from it.
public enum HandlerOutcome: Sendable {
    /// It returned a value: JSON text as ``CeleryMessage/JSONWriter`` writes it.
    case success(result: [UInt8])
    /// It threw: the exception and a traceback in Python's layout.
    case failure(TaskFailure, traceback: String)
    /// It asked for another run.
    case retry(TaskRetry, traceback: String)
    /// It ended without a result.
    case ignore
    /// It rejected its message.
    case reject(TaskReject)
    /// It was cancelled for a reason other than the soft limit and gave way.
    case cancelled(CancellationReason)
}

/// A handler's end with the signatures it wants published along with it.
public struct HandlerReport: Sendable {
    /// How it ended.
    public var outcome: HandlerOutcome
    /// What ``TaskContext/enqueue(_:)`` gathered, in order.
    public var enqueued: [Signature]

    /// Reports an end.
    public init(outcome: HandlerOutcome, enqueued: [Signature] = []) {
        self.outcome = outcome
        self.enqueued = enqueued
    }
}
