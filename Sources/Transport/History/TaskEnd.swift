public import CeleryMessage

/// The end of a task, as it goes into the history in the step that ends it.
///
/// Shared, not copied: it is made for every task, and written down only where its batch is sent.
public final class TaskEnd: Sendable {
    /// When and how long a run was.
    public struct Run: Sendable {
        /// When its message was taken.
        public var receivedAt: Instant?
        /// When it began.
        public var startedAt: Instant?
        /// How long it took.
        public var runtime: Duration?
        /// The last state it reported: JSON text of the meta.
        public var progress: [UInt8]?

        /// A run of which nothing is known, as of a task that never began.
        public init() {}
    }

    /// The message; `nil` where it could not be read.
    public let received: ReceivedMessage?
    /// The task's id.
    public let id: String
    /// The task's name; empty where the message could not be read.
    public let name: String
    /// The queue it was taken from.
    public let queue: String
    /// How it ended.
    public let state: TaskState
    /// When it ended.
    public let finishedAt: Instant
    /// The run that ended it.
    public let run: Run
    /// JSON text of what it returned.
    public let result: [UInt8]?
    /// What it raised.
    public let exception: ExceptionInfo?
    /// Where, in Python's layout.
    public let traceback: String?
    /// How much of its kind is kept.
    public let bound: HistoryBound
    /// How it is written down.
    public let writer: HistoryWriter

    /// Describes an end.
    public init(
        of received: ReceivedMessage?,
        id: String? = nil,
        name: String? = nil,
        queue: String,
        state: TaskState,
        finishedAt: Instant,
        run: Run = Run(),
        result: [UInt8]? = nil,
        exception: ExceptionInfo? = nil,
        traceback: String? = nil,
        bound: HistoryBound,
        writer: HistoryWriter
    ) {
        self.received = received
        self.id = id ?? received?.message.headers.id ?? ""
        self.name = name ?? received?.message.headers.task ?? ""
        self.queue = queue
        self.state = state
        self.finishedAt = finishedAt
        self.run = run
        self.result = result
        self.exception = exception
        self.traceback = traceback
        self.bound = bound
        self.writer = writer
    }

    /// Whether it counts among the completed ones: it returned, or ended without a result as it was meant to.
    public var isCompleted: Bool { state == .success || state == .ignored }
}

extension TaskEnd: Hashable {
    /// One end is equal to itself only.
    public static func == (left: TaskEnd, right: TaskEnd) -> Bool { left === right }

    /// Hashes which end it is.
    public func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
}

/// How many finished tasks of a queue and outcome are kept, and for how long.
public struct HistoryBound: Sendable, Hashable {
    /// The most tasks; zero keeps none and counts them all the same.
    public var count: Int
    /// Seconds for which they are kept.
    public var seconds: Int

    /// Sets the bounds.
    public init(count: Int, seconds: Int) {
        self.count = count
        self.seconds = seconds
    }

    /// A thousand, for a day: what completes.
    public static let completed = HistoryBound(count: 1000, seconds: 86_400)
    /// Five thousand, for a week: what fails.
    public static let failed = HistoryBound(count: 5000, seconds: 604_800)
}

/// What a commit leaves in the history.
public enum HistoryNote: Sendable, Hashable {
    /// A task has ended.
    case finished(TaskEnd)
    /// An attempt of a task from this queue has ended with a retry.
    case retried(queue: String)

    /// What it counts as, each with the queue's name behind it.
    public var counts: [String] {
        switch self {
        case .retried(let queue): ["retried:" + queue]
        case .finished(let end):
            switch end.state {
            case .success: ["completed:" + end.queue]
            case .ignored: ["completed:" + end.queue, "ignored:" + end.queue]
            case .revoked: ["failed:" + end.queue, "revoked:" + end.queue]
            case .rejected: ["failed:" + end.queue, "rejected:" + end.queue]
            default: ["failed:" + end.queue]
            }
        }
    }
}
