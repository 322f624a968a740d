/// The tasks and queues that may be sent to.
public struct TaskCatalog: Sendable, Hashable {
    /// By a task's name, the queue its messages go to.
    public var queueOfTask: [String: String]
    /// Every queue.
    public var queues: Set<String>
    /// Whether tasks may be sent that are not in the catalog: those of other workers.
    public var allowsOthers: Bool
    /// Where tasks go that are not in the catalog.
    public var defaultQueue: String

    /// A catalog.
    public init(
        queueOfTask: [String: String] = [:],
        queues: Set<String> = [],
        allowsOthers: Bool = false,
        defaultQueue: String = "celery"
    ) {
        self.queueOfTask = queueOfTask
        self.queues = queues
        self.allowsOthers = allowsOthers
        self.defaultQueue = defaultQueue
    }

    /// The queue a task goes to; `nil` when it may not be sent.
    public func queue(ofTask name: String) -> String? { queueOfTask[name] ?? (allowsOthers ? defaultQueue : nil) }

    /// The tasks of a queue that a type names: the one of exactly that name, else those whose last part it is, hyphens and
    /// underscores alike.
    public func tasks(ofType type: String, in queue: String) -> [String] {
        if queueOfTask[type] == queue { return [type] }
        let wanted = type.replacing("-", with: "_")
        return queueOfTask.filter { name, itsQueue in
            let last = String(name.split(separator: ".").last ?? "")
            return itsQueue == queue && last.replacing("-", with: "_") == wanted
        }.map(\.key).sorted()
    }
}
