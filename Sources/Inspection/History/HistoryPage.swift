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
        let ordered = query.order == .finished ? matching : matching.sorted(by: query.order.precedes)
        self.init(
            tasks: query.part(of: ordered),
            total: matching.count,
            oldest: tasks.first?.finishedAt
        )
    }
}
