/// The environment variables that mean something to Celery's users, and thus to Celeriac.
public enum EnvironmentNames {
    /// Variables that stand for a setting, in the order they are applied.
    public static let settings = [
        (variable: "CELERY_BROKER_URL", key: "broker_url"),
        (variable: "CELERY_BROKER_READ_URL", key: "broker_read_url"),
        (variable: "CELERY_BROKER_WRITE_URL", key: "broker_write_url"),
        (variable: "CELERY_RESULT_BACKEND", key: "result_backend"),
    ]

    /// Variables that stand for a setting that is on or off.
    public static let switches = [(variable: "QUEUE_ENABLED", key: "queue_enabled")]

    /// Variables that stand for an option before the sub-command; the command line reads them.
    public static let globalOptions: Set<String> = ["CELERY_WORKDIR"]

    /// Options of `worker` with a value that can be given as `CELERY_WORKER_<OPTION>`; the command line reads them.
    public static let workerOptions: Set<String> = [
        "AUTOSCALE", "CONCURRENCY", "EXCLUDE_QUEUES", "EXECUTABLE", "GID", "HEARTBEAT_INTERVAL", "HOSTNAME", "INCLUDE",
        "LOGFILE", "LOGLEVEL", "LOG_FORMAT", "MAX_MEMORY_PER_CHILD", "MAX_TASKS_PER_CHILD", "OPTIMIZATION", "PIDFILE",
        "POOL", "POOL_START_METHOD", "PREFETCH_MULTIPLIER", "QUEUES", "SCHEDULER", "SCHEDULE_FILENAME",
        "SOFT_TIME_LIMIT", "STATEDB", "TIME_LIMIT", "UID", "UMASK",
    ]

    /// Options of `worker` without a value, given as `CELERY_WORKER_<OPTION>=1`.
    public static let workerFlags: Set<String> = [
        "BEAT", "DETACH", "DISABLE_PREFETCH", "JSON_LOGS", "PURGE", "TASK_EVENTS", "WITHOUT_GOSSIP",
        "WITHOUT_HEARTBEAT", "WITHOUT_MINGLE",
    ]

    /// Variables that Celery reads and that have nothing to act on here; nobody needs a warning about them.
    public static let withoutUse: Set<String> = [
        "CELERY_APP", "CELERY_CONFIG", "CELERY_CONFIG_MODULE", "CELERY_CUSTOM_WORKER_POOL", "CELERY_LOADER",
        "CELERY_LOG_FILE", "CELERY_LOG_LEVEL", "CELERY_LOG_REDIRECT", "CELERY_LOG_REDIRECT_LEVEL", "CELERY_NO_COLOR",
        "CELERY_QUIET", "CELERY_RDBSIG", "CELERY_RDB_HOST", "CELERY_RDB_PORT", "CELERY_SKIP_CHECKS",
        "CELERY_WORKER_REVOKES_MAX", "CELERY_WORKER_REVOKE_EXPIRES", "CELERY_WORKER_SUCCESSFUL_EXPIRES",
        "CELERY_WORKER_SUCCESSFUL_MAX",
    ]

    /// Commands whose options have variables too; those of `worker` are checked by name.
    private static let commands = [
        "BEAT", "CALL", "CONTROL", "DOCTOR", "EVENTS", "EXPLAIN", "INSPECT", "LIST", "MULTI", "PURGE", "REPORT",
        "RESULT", "RUN", "STATUS", "UP",
    ]

    /// Whether a variable that begins with `CELERY_` is one of those above.
    static func isKnown(_ name: String) -> Bool {
        all.contains(name) || commands.contains { name.hasPrefix("CELERY_\($0)_") }
    }

    static let all = withoutUse.union(globalOptions).union((settings + switches).map(\.variable))
        .union(workerOptions.union(workerFlags).map { "CELERY_WORKER_" + $0 })
}
