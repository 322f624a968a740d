public import CeleryMessage

/// Asks workers about themselves and tells them what to do, Celeriac's and Celery's alike.
///
/// All calls throw ``InspectionError``.
public protocol WorkerAdministration: Sendable {
    /// Every worker that answers, by name.
    ///
    /// What was learnt a moment ago serves.
    func workers() async throws -> [WorkerFacts]

    /// What the workers said within the last minute, without waiting for answers; `nil` where nobody has asked them.
    ///
    /// Where that is old, they are asked for the next time.
    func lastSeen() async throws -> [WorkerFacts]?

    /// Everything about one worker; `nil` where none of that name answers.
    func worker(_ name: String) async throws -> WorkerDetail?

    /// Tells workers to do something.
    ///
    /// - Parameter nodes: the workers by name; empty for all.
    /// - Returns: what those said that answered in time.
    func tell(_ order: WorkerOrder, to nodes: [String]) async throws -> [WorkerReply]
}

/// What a worker can be told to do.
public enum WorkerOrder: Sendable, Hashable {
    /// End, after the running tasks.
    case shutDown
    /// Have so many processes more.
    case growPool(Int)
    /// Have so many processes less.
    case shrinkPool(Int)
    /// Have between so many and so many processes, as there is work.
    case autoscale(least: Int, most: Int)
    /// Replace the processes.
    case restartPool
    /// Take tasks from a queue.
    case addConsumer(queue: String)
    /// Take no more tasks from a queue.
    case cancelConsumer(queue: String)
    /// Do not start these tasks; with `terminate` end those that run, by a signal such as `SIGTERM`.
    case revoke(ids: [String], terminate: Bool, signal: String)
    /// Start a task so often at most, as `10/m`; `0` is as often as it comes.
    case rateLimit(task: String, rate: String)
    /// Let a task run for so many seconds at most; `nil` is as long as it takes.
    case timeLimit(task: String, hard: Double?, soft: Double?)
    /// Tell of each task.
    case enableEvents
    /// Tell of no task.
    case disableEvents
}

/// What one worker answered.
public struct WorkerReply: Sendable, Hashable {
    /// The worker's name.
    public var node: String
    /// What it did; `nil` where it refused.
    public var done: JSONValue?
    /// Why it refused.
    public var error: String?

    /// An answer.
    public init(node: String, done: JSONValue?, error: String? = nil) {
        self.node = node
        self.done = done
        self.error = error
    }

    /// Whether it did what it was told.
    public var isOK: Bool { error == nil }
}
