public import CeleryMessage

/// Everything that can be said about one task at one moment.
public struct TaskStatus: Sendable, Hashable {
    /// The task's id.
    public var id: String
    /// The stored record; `nil` when there is none.
    public var record: ResultRecord?
    /// Where its message is; looked for only while the task has not ended.
    public var search: SearchOutcome?
    /// When the record was written, as far as that can be told.
    public var updatedAt: Instant?

    /// Puts together what is known.
    public init(id: String, record: ResultRecord?, search: SearchOutcome? = nil, updatedAt: Instant? = nil) {
        self.id = id
        self.record = record
        self.search = search
        self.updatedAt = updatedAt
    }

    /// The task's state as Celery's clients see it: PENDING without a record.
    public var state: TaskState { record?.status ?? .pending }

    /// Whether anything is known of the task; `nil` where that cannot be told.
    public var isKnown: Bool? {
        if record != nil { return true }
        switch search {
        case .found?: return true
        case .nowhere?: return false
        case .notSeen?, nil: return nil
        }
    }

    /// The queue of the task.
    public var queue: String? { search?.whereabouts?.queue ?? record?.extended?.queue }

    /// Which attempt runs or is next, counted from 1.
    public var attempt: Int? {
        (search?.whereabouts?.retries ?? record?.extended?.retries).map { $0 == .max ? $0 : $0 + 1 }
    }

    /// The node that runs or ran it.
    public var worker: String? {
        if let worker = record?.extended?.worker { return worker }
        guard let record, record.status == .started else { return nil }
        return (try? record.value())?["hostname"]?.string  // what a task stored under STARTED may be anything
    }
}
