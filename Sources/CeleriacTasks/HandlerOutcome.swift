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
    /// It gave its id, its callbacks and its place in a canvas to another signature, as Celery's `Task.replace`.
    case replace(Signature)
}

/// A handler's end with the signatures it wants published along with it.
public struct HandlerReport: Sendable {
    /// How it ended.
    public var outcome: HandlerOutcome
    /// What ``TaskContext/enqueue(_:)`` gathered, in order.
    public var enqueued: [Signature]
    /// What was added to the header of the chord the task is part of, as Celery's `Task.add_to_chord`, in order.
    public var chordAdditions: [Signature]

    /// Reports an end.
    public init(outcome: HandlerOutcome, enqueued: [Signature] = [], chordAdditions: [Signature] = []) {
        self.outcome = outcome
        self.enqueued = enqueued
        self.chordAdditions = chordAdditions
    }
}
