public import CeleryMessage

/// What a worker says about itself.
public struct WorkerFacts: Sendable, Hashable {
    /// Its name, `celery@host`.
    public var name: String
    /// Its process.
    public var pid: Int?
    /// How many tasks it can run at once.
    public var concurrency: Int?
    /// The processes of its pool.
    public var processes: [Int] = []
    /// For how many seconds it has run.
    public var uptime: Double?
    /// The queues it takes tasks from.
    public var queues: [String] = []
    /// How many tasks it has run, by name.
    public var ran: [String: Int] = [:]
    /// How many run just now.
    public var active = 0
    /// How many it holds that have not begun.
    public var reserved = 0
    /// How many messages it fetches ahead.
    public var prefetch: Int?
    /// Whether it is one of Celeriac's.
    public var isCeleriac = false
    /// The most memory it ever used, in bytes.
    public var memory: Int?

    /// A worker of which nothing but the name is known.
    public init(name: String) { self.name = name }

    /// How many tasks it has run in all.
    public var processed: Int { ran.values.reduce(0, +) }
}

/// Everything that one worker says about itself.
public struct WorkerDetail: Sendable, Hashable {
    /// What a list shows of it.
    public var facts: WorkerFacts
    /// The tasks that run.
    public var active: [WorkerTask] = []
    /// The tasks it holds that have not begun.
    public var reserved: [WorkerTask] = []
    /// The tasks it holds for later.
    public var scheduled: [WorkerTask] = []
    /// The names of the tasks it knows.
    public var registered: [String] = []
    /// The ids it does not start.
    public var revoked: [String] = []
    /// Its answer to `stats`, as it came.
    public var stats = JSONObject()
    /// Its answer to `conf`, as it came.
    public var configuration = JSONObject()

    /// A worker of which nothing more is known.
    public init(_ facts: WorkerFacts) { self.facts = facts }
}

/// A task that a worker holds.
public struct WorkerTask: Sendable, Hashable {
    /// The task's id.
    public var id: String
    /// The task's name.
    public var name: String
    /// The queue it came from.
    public var queue: String?
    /// When it began.
    public var startedAt: Instant?
    /// Since when its worker calls it stalled.
    public var stalledSince: Instant?
    /// The process that runs it.
    public var pid: Int?
    /// Until when it waits.
    public var until: Instant?

    /// A task by id and name.
    public init(id: String, name: String) {
        self.id = id
        self.name = name
    }
}
