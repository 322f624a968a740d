/// The environment variables that mean something to Celery's users, and thus to Celeriac.
public enum EnvironmentNames {
    /// Variables that stand for a setting, in the order they are applied.
    public static let settings = [
        (variable: "CELERY_BROKER_URL", key: "broker_url"),
        (variable: "CELERY_BROKER_READ_URL", key: "broker_read_url"),
        (variable: "CELERY_BROKER_WRITE_URL", key: "broker_write_url"),
        (variable: "CELERY_RESULT_BACKEND", key: "result_backend"),
    ]

    /// Options of `worker` that can be given as `CELERY_WORKER_<OPTION>`, read by the command line.
    public static let workerOptions: Set<String> = [
        "HOSTNAME", "DETACH", "STATEDB", "LOGLEVEL", "OPTIMIZATION", "PREFETCH_MULTIPLIER", "DISABLE_PREFETCH",
        "CONCURRENCY",
        "POOL", "POOL_START_METHOD", "TASK_EVENTS", "TIME_LIMIT", "SOFT_TIME_LIMIT", "MAX_TASKS_PER_CHILD",
        "MAX_MEMORY_PER_CHILD", "SCHEDULER", "PURGE", "QUEUES", "EXCLUDE_QUEUES", "INCLUDE", "WITHOUT_GOSSIP",
        "WITHOUT_MINGLE", "WITHOUT_HEARTBEAT", "HEARTBEAT_INTERVAL", "AUTOSCALE", "BEAT", "SCHEDULE_FILENAME",
        "LOGFILE",
        "PIDFILE", "UID", "GID", "UMASK", "EXECUTABLE",
    ]

    /// Other variables that Celery reads and Celeriac knows, whether or not it has a use for them.
    public static let others: Set<String> = [
        "CELERY_APP", "CELERY_CONFIG", "CELERY_CONFIG_MODULE", "CELERY_CUSTOM_WORKER_POOL", "CELERY_LOADER",
        "CELERY_LOG_FILE", "CELERY_LOG_LEVEL", "CELERY_LOG_REDIRECT", "CELERY_LOG_REDIRECT_LEVEL", "CELERY_NO_COLOR",
        "CELERY_QUIET", "CELERY_RDBSIG", "CELERY_RDB_HOST", "CELERY_RDB_PORT", "CELERY_SKIP_CHECKS", "CELERY_WORKDIR",
        "CELERY_WORKER_REVOKES_MAX", "CELERY_WORKER_REVOKE_EXPIRES", "CELERY_WORKER_SUCCESSFUL_EXPIRES",
        "CELERY_WORKER_SUCCESSFUL_MAX",
    ]

    /// Commands whose options have variables too; those of `worker` are checked by name.
    private static let commands = [
        "BEAT", "CALL", "CONTROL", "DOCTOR", "EVENTS", "EXPLAIN", "INSPECT", "LIST", "MULTI", "PURGE", "REPORT",
        "RESULT",
        "RUN", "STATUS", "UP",
    ]

    /// Whether a variable that begins with `CELERY_` is one of those above.
    static func isKnown(_ name: String) -> Bool {
        if others.contains(name) || settings.contains(where: { $0.variable == name }) { return true }
        if name.hasPrefix("CELERY_WORKER_") { return workerOptions.contains(String(name.dropFirst(14))) }
        return commands.contains { name.hasPrefix("CELERY_\($0)_") }
    }

    static let all = others.union(settings.map(\.variable)).union(workerOptions.map { "CELERY_WORKER_" + $0 })
}
