public import CeleryMessage

/// A task that has ended, as its worker recorded it in the step that ended it.
///
/// Texts are bounded by the worker, and values named as secret are masked; a text that was cut ends with `…`.
public struct FinishedTask: Sendable, Hashable {
    /// What was raised.
    public struct Failure: Sendable, Hashable {
        /// The exception's type, for example `ValueError`.
        public var type: String
        /// Its message.
        public var message: String
        /// The traceback in Python's layout; the end of it where it was cut.
        public var traceback: String?

        /// Describes a failure.
        public init(type: String, message: String, traceback: String? = nil) {
            self.type = type
            self.message = message
            self.traceback = traceback
        }
    }

    /// An attempt before the last one: it ended with a retry.
    public struct Attempt: Sendable, Hashable {
        /// When it began.
        public var startedAt: Instant?
        /// When it ended.
        public var finishedAt: Instant
        /// What it raised.
        public var failure: Failure?
        /// The node that ran it.
        public var worker: String?
        /// How long it ran.
        public var runtime: Duration?

        /// Describes an attempt.
        public init(startedAt: Instant?, finishedAt: Instant, failure: Failure? = nil) {
            self.startedAt = startedAt
            self.finishedAt = finishedAt
            self.failure = failure
        }
    }

    /// The task's id.
    public var id: String
    /// The task's name.
    public var name: String
    /// The queue it was taken from.
    public var queue: String
    /// How it ended: SUCCESS, FAILURE, REVOKED, REJECTED or IGNORED.
    public var state: TaskState
    /// How many attempts it took; the first is 1.
    public var attempts = 1
    /// Whose task it was, by a header or an argument.
    public var tenant: String?
    /// The node that ran it.
    public var worker: String
    /// When that node took the message.
    public var receivedAt: Instant?
    /// When the last attempt began; `nil` when it never did.
    public var startedAt: Instant?
    /// When it ended.
    public var finishedAt: Instant
    /// How long the last attempt ran.
    public var runtime: Duration?
    /// The positional arguments as JSON text.
    public var arguments = "[]"
    /// The keyword arguments as JSON text.
    public var keywords = "{}"
    /// What it returned, as JSON text.
    public var result: String?
    /// What it raised.
    public var failure: Failure?
    /// The last progress it told.
    public var progress: JobProgress?
    /// The attempts before the last, oldest first; the newest ones where there were many.
    public var earlierAttempts: [Attempt] = []
    /// The task that sent it.
    public var parentID: String?
    /// The first task of its workflow.
    public var rootID: String?
    /// The group it belonged to.
    public var groupID: String?

    /// A task that has ended.
    public init(
        id: String,
        name: String,
        queue: String,
        state: TaskState,
        worker: String,
        finishedAt: Instant
    ) {
        self.id = id
        self.name = name
        self.queue = queue
        self.state = state
        self.worker = worker
        self.finishedAt = finishedAt
    }

    /// Whether it counts among the completed ones: it returned, or ended without a result as it was meant to.
    public var isCompleted: Bool { Self.completedStates.contains(state) }

    /// The states of tasks that count as completed; all others count as failed.
    public static let completedStates: Set<TaskState> = [.success, .ignored]
}
