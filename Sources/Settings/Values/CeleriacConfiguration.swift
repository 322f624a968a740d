/// Everything `tasks.yaml`, the environment and the command line say, checked, with defaults filled in.
///
/// Plain values: the program maps them onto its components. Paths are absolute. Descriptions hold no secrets.
public struct CeleriacConfiguration: Sendable {
    /// The file it was read from, or `nil` when there was none.
    public var file: String?
    /// The folder that relative paths start from: that of the file, else the working folder.
    public var baseFolder: String
    /// `data_folder`: where `celeriac up` keeps its own Redis; default `data`.
    public var dataFolder: String
    /// `queue_enabled`: false switches queues off, and with them workers and beat; default true.
    public var queueEnabled = true
    /// `broker_*`.
    public var broker = BrokerSettings()
    /// `result_*`, `redis_*`.
    public var results = ResultSettings()
    /// `timezone`; `nil` means UTC.
    public var timezone: String?
    /// `enable_utc`; default true.
    public var enableUTC = true
    /// `accept_content`: what messages may be written in; default JSON.
    public var acceptContent: Set<Serializer> = [.json]
    /// `result_accept_content`; `nil` means as `acceptContent`.
    public var resultAcceptContent: Set<Serializer>?
    /// `task_serializer`; default JSON.
    public var taskSerializer = Serializer.json
    /// `task_compression`; default none.
    public var taskCompression: Compression?
    /// `task_default_queue`; default `celery`.
    public var defaultQueue = "celery"
    /// `task_create_missing_queues`: whether `-Q` may name queues that are not configured; default true.
    public var createMissingQueues = true
    /// `task_routes`, in the order of the file.
    public var routes: [TaskRoute] = []
    /// What the `task_*` settings say about limits, retries and the rest: the lowest level.
    public var taskDefaults = TaskAttributes()
    /// `task_send_sent_event`; default false.
    public var sendSentEvent = false
    /// `task_inherit_parent_priority`; default false.
    public var inheritParentPriority = false
    /// `task_allow_error_cb_on_chord_header`; default false.
    public var allowErrorCallbackOnChordHeader = false
    /// `task_repr_maxlevels`: levels shown of arguments; default 3.
    public var reprMaxLevels = 3
    /// `worker_*`.
    public var worker = WorkerSettings()
    /// `history`: what finished tasks leave behind.
    public var history = HistorySettings()
    /// `mask_arguments`: names of arguments whose values are shown nowhere; `nil` means the usual ones.
    public var maskArguments: [String]?
    /// `tenants`: how much of each tenant's work may run; `nil` bounds nothing.
    public var tenants: TenantSettings?
    /// `dead_letters`: what is kept of tasks that have failed for good.
    public var deadLetters = DeadLetterSettings()
    /// `alerts`: who is told of tasks that failed for good.
    public var alerts = AlertSettings()
    /// `gateway`: how `celeriac-gateway` serves.
    public var gateway = GatewaySettings()
    /// `control_*` and `event_*`.
    public var messaging = MessagingSettings()
    /// `log_*`.
    public var log = LogSettings()
    /// `message_*`.
    public var bounds = BoundSettings()
    /// `pools:`, in the order of the file; there is always one named `default`.
    public var pools: [PoolSettings] = []
    /// `queues:`, in the order of the file; the default queue alone when the file names none.
    public var queues: [QueueSettings] = []
    /// `tasks:`, in the order of the file.
    public var tasks: [TaskSettings] = []
    /// Where each key stands, by its path.
    public var places: [[String]: SourcePlace] = [:]

    /// Nothing but defaults, paths starting at `baseFolder`.
    public init(baseFolder: String) {
        self.baseFolder = baseFolder
        dataFolder = FilePath.absolute("data", in: baseFolder)
    }

    /// The pool of that name.
    public func pool(named name: String) -> PoolSettings? { pools.first { $0.name == name } }
    /// The queue of that name.
    public func queue(named name: String) -> QueueSettings? { queues.first { $0.name == name } }
    /// The task of that wire name.
    public func task(named name: String) -> TaskSettings? { tasks.first { $0.name == name } }

    /// Adds tasks that a program brings along, behind those of the file; a block of the same name beats them setting by
    /// setting.
    mutating func declare(_ declared: [TaskSettings]) {
        for task in declared {
            guard let place = tasks.firstIndex(where: { $0.name == task.name }) else {
                tasks.append(task)
                continue
            }
            tasks[place].queue = tasks[place].queue ?? task.queue
            tasks[place].pool = tasks[place].pool ?? task.pool
            tasks[place].policy = tasks[place].policy.filled(from: task.policy)
        }
    }

    /// The queues in the order a worker looks at them: by tier, within one tier as in the file.
    public var queuesByTier: [QueueSettings] {
        QueueSettings.Tier.allCases.flatMap { tier in queues.filter { $0.tier == tier } }
    }

    /// The name of the queue that messages for a task go to: a route's, else the task's own, else the default.
    public func queueName(forTask name: String) -> String {
        routes.first { $0.matches(name) && $0.queue != nil }?.queue ?? task(named: name)?.queue ?? defaultQueue
    }

    /// The name of the pool a task from a queue runs in: the task's own, else the queue's, else `default`.
    public func poolName(forTask task: String, from queue: String) -> String {
        self.task(named: task)?.pool ?? self.queue(named: queue)?.pool ?? PoolSettings.defaultName
    }

    /// The joined attributes of a task from a queue, Celery's defaults included; what its message says beats it.
    public func policy(forTask task: String, from queue: String) -> TaskAttributes {
        let own = self.task(named: task)?.policy ?? TaskAttributes()
        let shared = self.queue(named: queue)?.policy ?? TaskAttributes()
        return own.filled(from: shared).filled(from: taskDefaults).filled(from: .celeryDefaults)
    }

    /// Where the value at `path` stands, or the nearest thing around it: list items go by their number.
    public func place(of path: [String]) -> SourcePlace {
        var path = path
        while !path.isEmpty {
            if let place = places[path] { return place }
            path.removeLast()
        }
        return .file(path: file ?? "tasks.yaml", line: 0, column: 0)
    }

    /// The problem that a handler has with one of its options, at the place where the option stands.
    public func problem(inOptionsOf task: String, path: [String], _ message: String) -> ConfigurationProblem {
        let key = ["tasks", task, "options"] + path
        return ConfigurationProblem(.error, at: place(of: key), key: key, message)
    }
}

extension CeleriacConfiguration: CustomStringConvertible, CustomReflectable {
    /// The main facts in a few lines, passwords masked.
    public var description: String {
        """
        file: \(file ?? "none")
        broker: \(broker.consumeURLs.map(\.redacted).joined(separator: ";"))
        results: \(results.backend)
        pools: \(pools.map(\.name).joined(separator: ", "))
        queues: \(queues.map(\.name).joined(separator: ", "))
        tasks: \(tasks.map(\.description).joined(separator: ", "))
        """
    }
    /// A mirror without secrets.
    public var customMirror: Mirror { Mirror(self, children: ["configuration": description]) }
}
