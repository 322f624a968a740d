/// How many tasks of one queue have ended, and how many of them are still kept.
public struct HistoryCounts: Sendable, Hashable {
    /// How many completed ones are kept.
    public var completedKept = 0
    /// How many failed ones are kept.
    public var failedKept = 0
    /// How many have ever completed: SUCCESS and IGNORED.
    public var completed = 0
    /// How many have ever failed: FAILURE, REVOKED and REJECTED.
    public var failed = 0
    /// How many of those that failed were revoked or had expired.
    public var revoked = 0
    /// How many of those that failed were rejected by their handlers.
    public var rejected = 0
    /// How many of those that completed asked for no result.
    public var ignored = 0
    /// How many attempts have ended with a retry.
    public var retried = 0

    /// Nothing has ended yet.
    public init() {}
}
