/// Where a job is on its way, in the words of the job dashboards.
public enum JobState: String, Sendable, Hashable, CaseIterable {
    /// It waits in its queue.
    case waiting
    /// A worker holds it: it runs, or is the next to.
    case active
    /// It is parked until its time comes: a countdown, an ETA, a retry.
    case delayed
    /// It succeeded.
    case completed
    /// It failed for good.
    case failed

    /// Whether the job has come to its end.
    public var isFinished: Bool { self == .completed || self == .failed }
}
