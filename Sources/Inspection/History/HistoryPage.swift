public import CeleryMessage

/// A part of the finished tasks that a query is about.
public struct HistoryPage: Sendable, Hashable {
    /// The tasks, in the query's order.
    public var tasks: [FinishedTask]
    /// How many match in all.
    public var total: Int
    /// When the oldest task ended that is still kept, whether it matches or not.
    public var oldest: Instant?

    /// A part of what was found.
    public init(tasks: [FinishedTask] = [], total: Int = 0, oldest: Instant? = nil) {
        self.tasks = tasks
        self.total = total
        self.oldest = oldest
    }

    /// What a query makes of tasks given oldest first.
    public init(_ query: HistoryQuery, among tasks: [FinishedTask]) {
        let matching = tasks.filter(query.matches)
        let ordered = query.isNewestFirst ? matching.reversed() : matching
        self.init(
            tasks: Array(ordered.dropFirst(max(0, query.offset)).prefix(max(0, query.limit))),
            total: matching.count,
            oldest: tasks.first?.finishedAt
        )
    }
}
