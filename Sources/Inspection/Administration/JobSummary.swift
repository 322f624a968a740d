public import CeleryMessage

/// One job in a list.
public struct JobSummary: Sendable, Hashable {
    /// The task's id.
    public var id: String
    /// The task's name; `nil` where its message cannot be read.
    public var task: String?
    /// Its queue.
    public var queue: String
    /// Where it is on its way.
    public var state: JobState
    /// How many attempts were begun: 0 for one that never ran.
    public var attempts = 0
    /// 1 is the next to be taken from its queue.
    public var position: Int?
    /// 0, the most urgent, to 9.
    public var priority: Int?
    /// The beginning of its arguments, secrets masked.
    public var arguments = ""
    /// Whose work it is.
    public var tenant: String?
    /// Until when it is parked.
    public var until: Instant?
    /// The node that runs or ran it.
    public var worker: String?
    /// When the last attempt began.
    public var startedAt: Instant?
    /// When it ended.
    public var finishedAt: Instant?
    /// How long the last attempt took, in seconds.
    public var runtime: Double?
    /// How far it is.
    public var progress: JobProgress?
    /// Why it failed, in one line.
    public var failedReason: String?
    /// The beginning of what it returned.
    public var result: String?

    /// A job of which nothing but this is known.
    public init(id: String, task: String?, queue: String, state: JobState) {
        self.id = id
        self.task = task
        self.queue = queue
        self.state = state
    }
}

/// A part of the jobs of a queue in one state.
public struct JobPage: Sendable, Hashable {
    /// The jobs of the range that was asked for.
    public var jobs: [JobSummary]
    /// How many there are in all; `nil` where that cannot be told.
    public var total: Int?

    /// A part of a list.
    public init(jobs: [JobSummary], total: Int?) {
        self.jobs = jobs
        self.total = total
    }
}
