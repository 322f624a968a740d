public import CeleryMessage

/// What was found out about a task that somebody asks about: what ``Explanation`` draws its reasons from.
public struct TaskFacts: Sendable, Hashable {
    /// Who holds a message.
    public struct Holder: Sendable, Hashable {
        /// The worker, by its id or by its name where it says that the task is with it.
        public var worker: String
        /// Whether it runs the task; `nil` where nobody said.
        public var runs: Bool?
        /// Whether it gives signs of life; `nil` for workers that give none here, as Celery's.
        public var isAlive: Bool?
        /// Since when its worker calls it stalled.
        public var stalledSince: Instant?
        /// When the message goes back to its queue unless its worker renews its claim.
        public var until: Instant?

        /// A worker that holds a message.
        public init(worker: String, runs: Bool? = nil, isAlive: Bool? = nil, until: Instant? = nil) {
            self.worker = worker
            self.runs = runs
            self.isAlive = isAlive
            self.until = until
        }
    }

    /// A chord whose body the task is.
    public struct Chord: Sendable, Hashable {
        /// The group of its header.
        public var group: String
        /// How many parts have ended; `nil` where nothing is counted yet.
        public var ended: Int?
        /// How many parts there are.
        public var parts: Int?
        /// The parts that were seen waiting, held or parked.
        public var open: [String]

        /// A chord that waits.
        public init(group: String, ended: Int?, parts: Int?, open: [String]) {
            self.group = group
            self.ended = ended
            self.parts = parts
            self.open = open
        }
    }

    /// The plan of a tenant for whose room the task waits.
    public struct Bound: Sendable, Hashable {
        /// The tenant, its plan and what it uses of it.
        public var usage: TenantUsage

        /// A plan that has no room.
        public init(_ usage: TenantUsage) { self.usage = usage }

        /// Whether as many of its tasks run as may at once; else as many have started within a minute.
        public var isConcurrency: Bool {
            guard let most = usage.plan.concurrency else { return false }
            return usage.running >= most || usage.plan.perMinute.map { usage.startedLastMinute ?? 0 < $0 } ?? true
        }
    }

    /// Its status.
    public var status: TaskStatus
    /// Its name, as its message says.
    public var task: String?
    /// After this moment it is not run any more.
    public var expires: Instant?
    /// Until when its own header wants it to wait.
    public var eta: Instant?
    /// Whether it was revoked.
    public var isRevoked = false
    /// Whether its queue is paused.
    public var isQueuePaused = false
    /// How many workers consume its queue; `nil` where none was asked.
    public var consumers: Int?
    /// How many of those know its name; `nil` where none was asked.
    public var knowing: Int?
    /// How many tasks those run just now.
    public var running: Int?
    /// How many tasks those can run at once.
    public var room: Int?
    /// Who holds its message.
    public var holder: Holder?
    /// The plan of its tenant, where the task waits for room in it.
    public var bound: Bound?
    /// The chord that waits to send it.
    public var chord: Chord?

    /// Facts about a task.
    public init(status: TaskStatus) { self.status = status }
}
