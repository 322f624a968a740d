/// The `worker_*` settings.
public struct WorkerSettings: Sendable {
    /// `worker_concurrency`: processes of pools that do not say; `nil` means one per processor.
    public var concurrency: Int?
    /// `worker_pool`: a name of Celery's (`prefork`, `threads`, `gevent`, `eventlet`, `solo`, `processes`); `nil` follows `pools:`.
    public var pool: String?
    /// `worker_prefetch_multiplier`: upper bound of messages held per slot; unset or 0 means none beside what is measured.
    public var prefetchMultiplier: Int?
    /// `worker_disable_prefetch`: hold only what runs; default false.
    public var disablePrefetch = false
    /// `worker_eta_task_limit`: the most tasks held for later in one worker's memory; `nil` means the engine's choice.
    public var etaTaskLimit: Int?
    /// `worker_max_tasks_per_child`: after how many tasks a pool process is replaced; `nil` means never.
    public var maxTasksPerChild: Int?
    /// `worker_max_memory_per_child` in KiB: above how much resident memory a pool process is replaced; `nil` means never.
    public var maxMemoryPerChild: Int?
    /// `worker_disable_rate_limits`; default false.
    public var disableRateLimits = false
    /// `worker_send_task_events`; `nil` leaves it to the worker.
    public var sendTaskEvents: Bool?
    /// `worker_enable_remote_control`; default true.
    public var enableRemoteControl = true
    /// `worker_pool_restarts`: whether remote control may have all pool processes replaced; default false.
    public var poolRestarts = false
    /// `worker_direct`: whether the worker also has a queue of its own name; default false.
    public var direct = false
    /// `worker_lost_wait`: how long to wait for the outcome of a process that died; default 10 s.
    public var lostWait: Duration = .seconds(10)
    /// `worker_proc_alive_timeout`: how long a new pool process may take to report; default 4 s.
    public var processAliveTimeout: Duration = .seconds(4)
    /// `worker_soft_shutdown_timeout`: how long a cold stop waits for running tasks first; default 0.
    public var softShutdownTimeout: Duration = .zero
    /// `worker_enable_soft_shutdown_on_idle`: whether it also waits when only ETA tasks are held; default false.
    public var softShutdownOnIdle = false
    /// `worker_cancel_long_running_tasks_on_connection_loss`; default false.
    public var cancelLongRunningTasksOnConnectionLoss = false
    /// `worker_deduplicate_successful_tasks`: whether a redelivered task that has SUCCESS is not run again; default false.
    public var deduplicateSuccessfulTasks = false
    /// `worker_dead_after`: after how long without a sign of life a worker's messages are taken back by others; default 12 s.
    public var deadAfter: Duration = .seconds(12)
    /// `worker_max_deliveries`: after how many deaths of its worker a message counts as the cause and is kept aside; default 20.
    public var maxDeliveries = 20

    /// Celery's defaults.
    public init() {}
}
