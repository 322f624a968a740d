public import CeleryMessage

/// Everything that is known of one job.
public struct JobDetail: Sendable, Hashable {
    /// What a list shows of it.
    public var summary: JobSummary
    /// The state in Celery's words, from the stored record; PENDING without one.
    public var taskState = TaskState.pending
    /// Its positional arguments, secrets masked; `nil` where only their text is known.
    public var args: [JSONValue]?
    /// Its keyword arguments, secrets masked; `nil` where only their text is known.
    public var kwargs: JSONObject?
    /// What it returned, or what it stored as its progress.
    public var result: JSONValue?
    /// The traces of its failures, the last attempt's first.
    public var stacktrace: [String] = []
    /// Its attempts that have ended, oldest first, the newest twenty.
    public var attempts: [JobAttempt] = []
    /// The task that sent it.
    public var parent: String?
    /// The task with which everything began.
    public var root: String?
    /// The group it is part of.
    public var group: String?
    /// The tasks it has sent.
    public var children: [String] = []
    /// Who sent it, as `gen<pid>@<host>`.
    public var origin: String?
    /// Not before this moment.
    public var eta: Instant?
    /// Not after this moment.
    public var expires: Instant?
    /// When it came to a worker.
    public var receivedAt: Instant?
    /// How many bytes its message has.
    public var messageBytes: Int?
    /// Whether it can be run again: its message was kept.
    public var isRetryable = false

    /// A job of which nothing but the summary is known.
    public init(_ summary: JobSummary) { self.summary = summary }
}
