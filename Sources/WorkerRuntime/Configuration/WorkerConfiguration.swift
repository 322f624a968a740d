public import CeleryMessage
public import Transport

/// What a worker is and does; immutable once it runs, replaced as a whole at a reload.
public struct WorkerConfiguration: Sendable {
    /// The node name, for example `celery@host`.
    public var nodeName: String
    /// The queues to take from, in the order they are served within a priority.
    public var queues: [QueuePolicy]
    /// The tasks this worker knows, by wire name.
    public var tasks: [String: TaskPolicy]
    /// Which pool runs what names none.
    public var defaultPool: String
    /// Where messages of this worker's own go that name no queue: callbacks, chain steps, subtasks.
    public var defaultQueue: String
    /// The queue of a task by its wire name, where `tasks.yaml` says one.
    public var routes: [String: String]
    /// The limits where message, task and queue say nothing: seconds, hard and soft.
    public var timeLimit: Double?
    /// See ``timeLimit``.
    public var softTimeLimit: Double?
    /// The most messages in hand per slot; `nil` leaves it to what is measured.
    public var prefetchMultiplier: Int?
    /// How results are stored.
    public var results: ResultPolicy
    /// Who sends what tasks of this worker send: `gen<pid>@<host>`.
    public var origin: String
    /// The `reply_to` of messages this worker sends.
    public var replyTo: String
    /// Whether a redelivered message whose task has succeeded is not run again.
    public var deduplicatesSuccessfulTasks = false
    /// Whether what a task sends inherits its priority.
    public var inheritParentPriority: Bool
    /// Which tasks of a chord get an errback linked to it: `task_allow_error_cb_on_chord_header`.
    public var errbackReach: ErrbackReach
    /// How long a cold stop lets tasks run first, seconds.
    public var softShutdownTimeout: Double
    /// Whether a cold stop takes its soft time also when nothing runs: `worker_enable_soft_shutdown_on_idle`.
    public var softShutdownOnIdle = false
    /// Seconds between heartbeats; a third of the shortest visibility timeout at most.
    public var heartbeatInterval: Double
    /// Seconds between sweeps for messages that nobody renewed.
    public var sweepInterval: Double
    /// How often a message may be taken back from dead workers before it counts as the cause.
    public var maxDeliveries: Int
    /// How often the first connection is tried again; `nil` without end.
    public var connectRetries: Int?
    /// How far the default pool grows and shrinks; `nil` leaves it as it is.
    public var autoscale: AutoscaleRange?
    /// Bounds on what a message may cost.
    public var limits: MessageLimits
    /// Remote control.
    public var control = ControlConfiguration()
    /// Events.
    public var events = EventConfiguration()
    /// Whether rate limits are not kept: `worker_disable_rate_limits`.
    public var disablesRateLimits = false
    /// How a message names its tenant: `tenants.argument`, `history.tenant`.
    public var tenantNames = TenantNames()
    /// How much of the tenants' work may run; `nil` bounds nothing: `tenants`.
    public var tenants: TenantPlans?
    /// Names of arguments whose values are shown nowhere: `mask_arguments`.
    public var secretNames = SecretNames.usual
    /// Queues the worker may be told to take from, beside ``queues``, by name.
    public var knownQueues: [String: QueuePolicy] = [:]

    /// Describes a worker; the defaults are Celery's where Celery has the setting.
    public init(
        nodeName: String,
        queues: [QueuePolicy],
        tasks: [String: TaskPolicy],
        defaultPool: String,
        defaultQueue: String = "celery",
        routes: [String: String] = [:],
        timeLimit: Double? = nil,
        softTimeLimit: Double? = nil,
        prefetchMultiplier: Int? = nil,
        results: ResultPolicy = ResultPolicy(),
        origin: String = "",
        replyTo: String = "",
        inheritParentPriority: Bool = false,
        errbackReach: ErrbackReach = .body,
        softShutdownTimeout: Double = 0,
        heartbeatInterval: Double = 4,
        sweepInterval: Double = 60,
        maxDeliveries: Int = 20,
        connectRetries: Int? = 100,
        autoscale: AutoscaleRange? = nil,
        limits: MessageLimits = MessageLimits()
    ) {
        self.nodeName = nodeName
        self.queues = queues
        self.tasks = tasks
        self.defaultPool = defaultPool
        self.defaultQueue = defaultQueue
        self.routes = routes
        self.timeLimit = timeLimit
        self.softTimeLimit = softTimeLimit
        self.prefetchMultiplier = prefetchMultiplier
        self.results = results
        self.origin = origin
        self.replyTo = replyTo
        self.inheritParentPriority = inheritParentPriority
        self.errbackReach = errbackReach
        self.softShutdownTimeout = softShutdownTimeout
        self.heartbeatInterval = heartbeatInterval
        self.sweepInterval = sweepInterval
        self.maxDeliveries = maxDeliveries
        self.connectRetries = connectRetries
        self.autoscale = autoscale
        self.limits = limits
    }

    /// The queue a task of this name is sent to.
    public func queue(for task: String) -> String { routes[task] ?? defaultQueue }
}

/// The bounds of a pool that grows with its work.
public struct AutoscaleRange: Sendable, Hashable {
    /// The most processes.
    public var maximum: Int
    /// The fewest processes.
    public var minimum: Int
    /// Seconds for which a process has to be to spare before it goes.
    public var keepAlive: Int

    /// Names the bounds; `keepAlive` is Celery's 30 seconds by default.
    public init(maximum: Int, minimum: Int, keepAlive: Int = 30) {
        self.maximum = maximum
        self.minimum = minimum
        self.keepAlive = keepAlive
    }
}
