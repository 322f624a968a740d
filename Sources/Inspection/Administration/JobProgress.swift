/// How far a task says it is: Celery's `update_state(meta={"current": …, "total": …, "status": …})`.
public struct JobProgress: Sendable, Hashable {
    /// What is done.
    public var current: Double
    /// What there is to do.
    public var total: Double
    /// What it is doing.
    public var status: String?

    /// Progress of a task.
    public init(current: Double, total: Double, status: String? = nil) {
        self.current = current
        self.total = total
        self.status = status
    }

    /// From 0 to 100.
    public var percent: Double { total > 0 ? min(100, max(0, current / total * 100)) : 0 }
}
