import YAML

extension WorkerSettings {
    /// The `worker_*` keys.
    static let settings: [Setting<WorkerSettings>] = [
        .optional("worker_concurrency", "whole number or auto", \.concurrency) { $0.concurrency($1) },
        .optional("worker_pool", pools.joined(separator: ", "), \.pool) { $0.poolName($1) },
        .int("worker_prefetch_multiplier", \.prefetchMultiplier, in: 0...1_000_000),
        .bool("worker_disable_prefetch", \.disablePrefetch),
        .int("worker_eta_task_limit", \.etaTaskLimit, in: 0...Int.max),
        .int("worker_max_tasks_per_child", \.maxTasksPerChild, in: 1...Int.max),
        .int("worker_max_memory_per_child", \.maxMemoryPerChild, in: 1...Int.max),
        .bool("worker_disable_rate_limits", \.disableRateLimits),
        .bool("worker_send_task_events", \.sendTaskEvents),
        .bool("worker_enable_remote_control", \.enableRemoteControl),
        .bool("worker_pool_restarts", \.poolRestarts),
        .bool("worker_direct", \.direct),
        .seconds("worker_lost_wait", \.lostWait),
        .seconds("worker_proc_alive_timeout", \.processAliveTimeout),
        .seconds("worker_soft_shutdown_timeout", \.softShutdownTimeout),
        .bool("worker_enable_soft_shutdown_on_idle", \.softShutdownOnIdle),
        .bool(
            "worker_cancel_long_running_tasks_on_connection_loss",
            \.cancelLongRunningTasksOnConnectionLoss
        ),
        .bool("worker_deduplicate_successful_tasks", \.deduplicateSuccessfulTasks),
        .value("worker_dead_after", "seconds", \.deadAfter) { $0.seconds($1, least: 1) },
        .int("worker_max_deliveries", \.maxDeliveries, in: 1...1_000_000),
    ]

    /// The pools that people name on Celery's command line.
    static let pools = ["prefork", "processes", "threads", "solo", "gevent", "eventlet"]
}

extension SettingReader {
    /// A count, or `auto` for as many as there are processors.
    fileprivate mutating func concurrency(_ node: YAMLNode) -> Int? {
        if node.scalar?.text == "auto" { return nil }
        return int(node, in: 1...10_000)
    }

    fileprivate mutating func poolName(_ node: YAMLNode) -> String? {
        guard let name = string(node) else { return nil }
        if WorkerSettings.pools.contains(name) { return name }
        error(
            node,
            "expected \(Self.alternatives(WorkerSettings.pools))",
            suggestion: NearestName.find(name, in: WorkerSettings.pools)
        )
        return nil
    }
}
