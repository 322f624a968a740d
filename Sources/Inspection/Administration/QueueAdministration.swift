/// Shows what is in queues, and changes it.
///
/// All calls throw ``InspectionError``. A queue that is not configured is as good as an empty one: whoever asks for a name of a
/// client's making compares it with ``queueNames`` first.
public protocol QueueAdministration: Sendable {
    /// The configured queues, by name.
    var queueNames: [String] { get }

    /// Counts of every configured queue, in the order of ``queueNames``; what was counted a moment ago serves.
    func queues() async throws -> [QueueCounts]

    /// Counts of these queues only.
    func counts(of queues: [String]) async throws -> [QueueCounts]

    /// Jobs of a queue in one state: waiting ones in the order in which they will be taken, parked ones by their time, finished
    /// ones newest first.
    ///
    /// - Parameter range: which of them; at most ``QueueAdministrationLimits/range`` are looked at.
    func jobs(in queue: String, state: JobState, range: Range<Int>) async throws -> JobPage

    /// Everything that is known of one job; `nil` where it is nowhere in this queue.
    func job(_ id: String, in queue: String) async throws -> JobDetail?

    /// Sees to it that a job does not run: takes its message away, ends it where it runs, forgets it where it has ended.
    func remove(_ id: String, in queue: String) async throws -> JobRemoval

    /// Runs a job that failed for good once more, under the same id.
    func retry(_ id: String, in queue: String) async throws -> JobRetry

    /// Lets a parked job wait in its queue at once; false where it is not parked.
    func promote(_ id: String, in queue: String) async throws -> Bool

    /// Stores for a task that it is to give up, Celery's state ABORTED, for tasks that look; false where it has ended.
    ///
    /// Throws `noResultBackend` where no records are stored.
    func abort(_ id: String) async throws -> Bool

    /// Has Celeriac's workers take nothing more from a queue, until ``resume(_:)``; false where they already did not.
    func pause(_ queue: String) async throws -> Bool

    /// Ends a pause; false where there was none.
    func resume(_ queue: String) async throws -> Bool

    /// Forgets finished jobs that ended longer ago than `grace`; answers how many.
    func clean(_ queue: String, grace: Duration, states: Set<JobState>) async throws -> Int

    /// Takes away everything that waits, and what is parked too where `delayed` is set; what workers hold stays.
    func drain(_ queue: String, delayed: Bool) async throws -> Int
}

/// What became of a job that was to be removed.
public enum JobRemoval: String, Sendable, Hashable {
    /// It will not run: its message is gone.
    case removed
    /// A worker held it: it was revoked, and ends when its worker hears of it.
    case cancelled
    /// It had ended: it is no longer in the lists.
    case forgotten
    /// It is nowhere in this queue.
    case notFound
}

/// What became of a job that was to be run again.
public enum JobRetry: String, Sendable, Hashable {
    /// It waits in its queue.
    case retried
    /// It has not failed for good: it waits, runs, or succeeded.
    case notFailed
    /// It failed, but its message is not kept any more.
    case gone
    /// Nothing is known of it.
    case notFound
}

/// How much is looked at.
public enum QueueAdministrationLimits {
    /// The most jobs of one list.
    public static let range = 1000
}
