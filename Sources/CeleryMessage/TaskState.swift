/// The state of a task as clients see it (`celery/states.py`); applications may add their own.
public struct TaskState: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
    /// The name on the wire.
    public let rawValue: String

    /// Makes a state of any name.
    public init(rawValue: String) { self.rawValue = rawValue }

    /// Nothing is known; never stored.
    public static let pending = TaskState(rawValue: "PENDING")
    /// A worker has the task; seen in events only.
    public static let received = TaskState(rawValue: "RECEIVED")
    /// The task runs; stored where start tracking is on.
    public static let started = TaskState(rawValue: "STARTED")
    /// The task reports how far it is: the name many applications use for it.
    public static let progress = TaskState(rawValue: "PROGRESS")
    /// The task returned; no other record replaces this one.
    public static let success = TaskState(rawValue: "SUCCESS")
    /// The task raised an exception or was killed.
    public static let failure = TaskState(rawValue: "FAILURE")
    /// The task will run again.
    public static let retry = TaskState(rawValue: "RETRY")
    /// The task was cancelled or expired.
    public static let revoked = TaskState(rawValue: "REVOKED")
    /// Whoever sent the task wants it to give up; tasks that look for it do (`celery/contrib/abortable.py`).
    public static let aborted = TaskState(rawValue: "ABORTED")
    /// The task was given back; never stored.
    public static let rejected = TaskState(rawValue: "REJECTED")
    /// The task asked to be forgotten; never stored.
    public static let ignored = TaskState(rawValue: "IGNORED")

    /// Whether the task has ended.
    public var isReady: Bool { self == .success || self == .failure || self == .revoked }
    /// Whether the result is an exception.
    public var isException: Bool { self == .retry || self == .failure || self == .revoked }
    /// Whether a client that asks for the result gets the exception raised.
    public var isPropagated: Bool { self == .failure || self == .revoked }

    /// The name.
    public var description: String { rawValue }
}
