/// Names that are no keys of `tasks.yaml` but deserve a better answer than "unknown".
enum KnownSettings {
    /// Celery's settings that have nothing to act on here, and why.
    static let ignored: [String: String] = [
        "imports": "there are no Python modules to import; tasks are bound to handlers under 'tasks'",
        "include": "there are no Python modules to import; tasks are bound to handlers under 'tasks'",
        "broker_channel_error_retry": "errors of the connection are always retried",
        "broker_heartbeat": "Redis has no heartbeats",
        "broker_heartbeat_checkrate": "Redis has no heartbeats",
        "broker_pool_acquire_timeout": "a worker has two or three connections in all",
        "broker_pool_limit": "a worker has two or three connections in all",
        "control_queue_durable": "Redis lists are what they are",
        "control_queue_exclusive": "Redis lists are what they are",
        "event_queue_durable": "Redis lists are what they are",
        "event_queue_exclusive": "Redis lists are what they are",
        "redis_backend_credential_provider": "it names a Python class; use an environment variable for the password",
        "redis_client_name": "connections are named after the worker",
        "redis_max_connections": "a worker has two or three connections in all",
        "redis_retry_on_timeout": "a connection that times out is always replaced",
        "result_backend_always_retry": "storing a result is always retried until the connection is back",
        "result_backend_base_sleep_between_retries_ms":
            "storing a result is always retried until the connection is back",
        "result_backend_max_retries": "storing a result is always retried until the connection is back",
        "result_backend_max_sleep_between_retries_ms":
            "storing a result is always retried until the connection is back",
        "result_cache_max": "it concerns clients",
        "result_chord_retry_interval": "chords are counted, not polled",
        "task_always_eager": "a worker only runs messages",
        "task_create_missing_queue_exchange_type": "missing queues are direct",
        "task_create_missing_queue_type": "Redis has one type of queue",
        "task_default_delivery_mode": "Redis keeps every message the same way",
        "task_default_exchange": "queues have exchanges of their own name",
        "task_default_exchange_type": "the default queue is direct",
        "task_default_routing_key": "queues have routing keys of their own name",
        "task_eager_propagates": "a worker only runs messages",
        "task_protocol": "messages are written in protocol 2, and read in 1 and 2",
        "task_publish_retry": "publishing is always retried until the connection is back",
        "task_publish_retry_policy": "publishing is always retried until the connection is back",
        "task_queue_max_priority": "Redis has the lists of priority_steps",
        "task_remote_tracebacks": "it concerns clients",
        "task_store_eager_result": "a worker only runs messages",
        "worker_detect_quorum_queues": "Redis has none",
        "worker_enable_prefetch_count_reduction": "what is held always follows what can run",
        "worker_hijack_root_logger": "there is one log",
        "worker_log_color": "log lines have no colours",
        "worker_log_format": "lines have Celery's default form, or JSON with log_format",
        "worker_pool_start_method": "pool processes are always spawned",
        "worker_redirect_stdouts": "what handlers print goes to the log",
        "worker_redirect_stdouts_level": "what handlers print goes to the log",
        "worker_state_db": "the state of messages is kept in Redis",
        "worker_task_log_format": "lines have Celery's default form, or JSON with log_format",
        "worker_timer_precision": "timers are exact",
        "beat_schedule": "the schedule is read from beat.yaml by celeriac-beat",
        "beat_scheduler": "the schedule is read from beat.yaml by celeriac-beat",
        "beat_schedule_filename": "the schedule is read from beat.yaml by celeriac-beat",
        "beat_sync_every": "the schedule is read from beat.yaml by celeriac-beat",
        "beat_max_loop_interval": "the schedule is read from beat.yaml by celeriac-beat",
        "beat_cron_starting_deadline": "the schedule is read from beat.yaml by celeriac-beat",
        "beat_enable_remote_control": "the schedule is read from beat.yaml by celeriac-beat",
        "beat_remote_control_max_tick_age": "the schedule is read from beat.yaml by celeriac-beat",
    ]

    /// Keys that are read and checked, but that nothing acts on yet: a file that has them works, and is told.
    ///
    /// A `*` stands for a name people choose. Whoever makes a part act on a key takes it out of here.
    static let unheeded: Set<[String]> = {
        let top = [
            "broker_write_url", "control_queue_expires",
            "control_queue_ttl",
            "event_queue_expires", "event_queue_prefix", "event_queue_ttl", "enable_utc", "event_serializer",
            "redis_backend_health_check_interval", "redis_socket_keepalive", "redis_socket_timeout",
            "result_accept_content",
            "result_chord_join_timeout", "result_compression", "task_create_missing_queues",
            "task_compression",
            "task_default_priority", "task_repr_maxlevels",
            "worker_cancel_long_running_tasks_on_connection_loss",
            "worker_direct",
            "worker_eta_task_limit", "worker_lost_wait",
            "worker_proc_alive_timeout",
        ]
        let transport = [
            "socket_keepalive", "unacked_restore_limit",
        ]
        let shared = [
            "compression", "expires", "priority", "result_expires", "serializer",
        ]
        let queue = ["exchange", "exchange_type", "global_concurrency", "rate_limit", "routing_key"]
        return Set(
            top.map { [$0] } + transport.map { ["broker_transport_options", $0] }
                + shared.map { ["tasks", "*", $0] } + (shared + queue).map { ["queues", "*", $0] }
        )
    }()

    /// Celery's settings that are said in another way here: silently dropping them would change what runs.
    private static let replaced: [String: String] = [
        "rejected_limit": "write dead_letters: {count: …}",
        "rejected_expires": "write dead_letters: {age: …}",
        "task_queues": "queues are written under 'queues', one block each",
        "task_annotations": "write what it says into the block of the task under 'tasks'",
        "redis_host": "write result_backend: redis://user:password@host:port/db",
        "redis_port": "write result_backend: redis://user:password@host:port/db",
        "redis_db": "write result_backend: redis://user:password@host:port/db",
        "redis_username": "write result_backend: redis://user:password@host:port/db",
        "redis_password": "write result_backend: redis://user:password@host:port/db",
        "result_exchange": "results are kept in Redis, not in queues",
        "result_persistent": "results are kept in Redis, not in queues",
    ]

    /// Names from before Celery 4 that do not turn into today's by dropping a prefix.
    private static let old: [String: String] = [
        "celeryd_concurrency": "worker_concurrency",
        "celeryd_prefetch_multiplier": "worker_prefetch_multiplier",
        "celeryd_max_tasks_per_child": "worker_max_tasks_per_child",
        "celeryd_task_time_limit": "task_time_limit",
        "celeryd_task_soft_time_limit": "task_soft_time_limit",
        "celeryd_pool": "worker_pool",
        "celery_acks_late": "task_acks_late",
        "celery_compression": "task_compression",
        "celery_default_queue": "task_default_queue",
        "celery_default_rate_limit": "task_default_rate_limit",
        "celery_disable_rate_limits": "worker_disable_rate_limits",
        "celery_ignore_result": "task_ignore_result",
        "celery_routes": "task_routes",
        "celery_queues": "queues",
        "celery_send_events": "worker_send_task_events",
        "celery_send_task_sent_event": "task_send_sent_event",
        "celery_serializer": "task_serializer",
        "celery_task_result_expires": "result_expires",
        "celery_track_started": "task_track_started",
        "celerybeat_schedule": "beat_schedule",
    ]

    /// Every key at the top of the file.
    static let names = Set(CeleriacConfiguration.settings.map(\.name))

    /// What to say about a key that is none.
    static func hint(_ key: String) -> String? {
        if let hint = replaced[key] { return hint }
        let lower = key.lowercased()
        let modern = old[lower] ?? (lower.hasPrefix("celery_") ? String(lower.dropFirst(7)) : lower)
        if modern != key, names.contains(modern) || ignored[modern] != nil { return "it is written '\(modern)'" }
        if TaskSettings.settings.contains(where: { $0.name == key }) {
            return "it stands in the block of a task or queue"
        }
        return QueueSettings.settings.contains { $0.name == key } ? "it stands in the block of a queue" : nil
    }
}
