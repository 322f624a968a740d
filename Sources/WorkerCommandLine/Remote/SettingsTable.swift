import CeleryMessage
import Settings

/// The settings by Celery's names, for `inspect conf` and `inspect report`; passwords are masked.
struct SettingsTable {
    let configuration: CeleriacConfiguration

    /// Every setting that a worker acts on.
    var all: JSONObject {
        var table = JSONObject()
        for (name, value) in rows { table[name] = value }
        return table
    }

    /// What somebody has set, and what Celery's clients look for in any case.
    var changed: JSONObject {
        var table = JSONObject()
        for (name, value) in rows where configuration.places[[name]] != nil || Self.alwaysShown.contains(name) {
            table[name] = value
        }
        return table
    }

    private static let alwaysShown: Set<String> = [
        "broker_url", "result_backend", "accept_content", "timezone", "enable_utc", "deprecated_settings", "include",
        "broker_heartbeat", "worker_hijack_root_logger", "worker_log_color",
    ]

    private var rows: [(String, JSONValue)] {
        messages + taskDefaults + workers + [
            ("queues", .array(configuration.queues.map { .string($0.name) })),
            ("tasks", .array(configuration.tasks.map { .string($0.name) })),
            ("pools", .array(configuration.pools.map { .string($0.name) })),
        ]
    }

    private var messages: [(String, JSONValue)] {
        let broker = configuration.broker
        let results = configuration.results
        let transport = broker.transport
        return [
            ("broker_url", .string(Self.urls(broker.consumeURLs))),
            ("broker_read_url", Self.urls(optional: broker.readURLs)),
            ("broker_write_url", Self.urls(optional: broker.writeURLs)),
            (
                "broker_transport_options",
                [
                    "visibility_timeout": Self.seconds(transport.visibilityTimeout),
                    "global_keyprefix": .string(transport.globalKeyPrefix),
                    "priority_steps": .array(transport.prioritySteps.map { .int(Int64($0)) }),
                    "queue_order_strategy": .string(transport.queueOrder.rawValue),
                ]
            ),
            ("broker_connection_timeout", Self.seconds(broker.connectionTimeout)),
            ("broker_connection_retry", .bool(broker.connectionRetry)),
            ("broker_connection_retry_on_startup", broker.connectionRetryOnStartup.map(JSONValue.bool) ?? .null),
            ("broker_connection_max_retries", Self.integer(broker.connectionMaxRetries)),
            ("broker_use_ssl", .bool(broker.tls != nil)),
            ("result_backend", .string(backend)),
            ("result_expires", Self.seconds(results.expires)),
            ("result_extended", .bool(results.extended)),
            ("result_accept_content", configuration.resultAcceptContent.map(Self.names) ?? .null),
            ("result_chord_join_timeout", Self.seconds(results.chordJoinTimeout)),
            ("redis_socket_timeout", Self.seconds(results.socketTimeout)),
            ("redis_socket_connect_timeout", Self.seconds(results.socketConnectTimeout)),
            ("redis_socket_keepalive", .bool(results.socketKeepalive)),
            ("redis_backend_health_check_interval", Self.seconds(results.healthCheckInterval)),
            ("result_serializer", .string(results.serializer.rawValue)),
            ("accept_content", Self.names(configuration.acceptContent)),
            ("task_serializer", .string(configuration.taskSerializer.rawValue)),
            ("timezone", configuration.timezone.map(JSONValue.string) ?? .null),
            ("enable_utc", .bool(configuration.enableUTC)),
            ("control_exchange", .string(configuration.messaging.controlExchange)),
            ("control_queue_ttl", Self.seconds(configuration.messaging.controlQueueTTL)),
            ("control_queue_expires", Self.seconds(configuration.messaging.controlQueueExpires)),
            ("event_exchange", .string(configuration.messaging.eventExchange)),
            ("event_queue_prefix", .string(configuration.messaging.eventQueuePrefix)),
            ("event_serializer", .string(configuration.messaging.eventSerializer.rawValue)),
            ("event_queue_ttl", Self.seconds(configuration.messaging.eventQueueTTL)),
            ("event_queue_expires", Self.seconds(configuration.messaging.eventQueueExpires)),
            // Nothing here acts on these; monitors print them.
            ("deprecated_settings", .null), ("include", []), ("broker_heartbeat", 120),
            ("worker_hijack_root_logger", false), ("worker_log_color", false),
        ]
    }

    private var taskDefaults: [(String, JSONValue)] {
        let tasks = configuration.taskDefaults.filled(from: .celeryDefaults)
        return [
            ("task_default_queue", .string(configuration.defaultQueue)),
            ("task_time_limit", Self.seconds(tasks.timeLimit)),
            ("task_soft_time_limit", Self.seconds(tasks.softTimeLimit)),
            ("task_acks_late", .bool(tasks.acksLate ?? true)),
            ("task_acks_on_failure_or_timeout", .bool((tasks.acksOnFailure ?? true) && (tasks.acksOnTimeout ?? true))),
            ("task_reject_on_worker_lost", .bool(tasks.rejectOnWorkerLost ?? false)),
            ("task_ignore_result", .bool(tasks.ignoreResult ?? false)),
            ("task_store_errors_even_if_ignored", .bool(tasks.storeErrorsEvenIfIgnored ?? false)),
            ("task_track_started", .bool(tasks.trackStarted ?? false)),
            ("task_default_rate_limit", tasks.rateLimit.map { .string($0.text) } ?? .null),
            ("task_default_priority", Self.integer(tasks.priority)),
            ("task_create_missing_queues", .bool(configuration.createMissingQueues)),
            ("task_allow_error_cb_on_chord_header", .bool(configuration.allowErrorCallbackOnChordHeader)),
            ("task_send_sent_event", .bool(configuration.sendSentEvent)),
            ("task_inherit_parent_priority", .bool(configuration.inheritParentPriority)),
        ]
    }

    private var workers: [(String, JSONValue)] {
        let worker = configuration.worker
        return [
            ("worker_concurrency", Self.integer(worker.concurrency)),
            ("worker_pool", worker.pool.map(JSONValue.string) ?? "prefork"),
            ("worker_prefetch_multiplier", Self.integer(worker.prefetchMultiplier)),
            ("worker_disable_prefetch", .bool(worker.disablePrefetch)),
            ("worker_max_tasks_per_child", Self.integer(worker.maxTasksPerChild)),
            ("worker_max_memory_per_child", Self.integer(worker.maxMemoryPerChild)),
            ("worker_disable_rate_limits", .bool(worker.disableRateLimits)),
            ("worker_send_task_events", .bool(worker.sendTaskEvents ?? false)),
            ("worker_enable_remote_control", .bool(worker.enableRemoteControl)),
            ("worker_pool_restarts", .bool(worker.poolRestarts)),
            ("worker_direct", .bool(worker.direct)),
            ("worker_lost_wait", Self.seconds(worker.lostWait)),
            ("worker_proc_alive_timeout", Self.seconds(worker.processAliveTimeout)),
            ("worker_eta_task_limit", Self.integer(worker.etaTaskLimit)),
            ("worker_deduplicate_successful_tasks", .bool(worker.deduplicateSuccessfulTasks)),
            (
                "worker_cancel_long_running_tasks_on_connection_loss",
                .bool(worker.cancelLongRunningTasksOnConnectionLoss)
            ),
            ("worker_enable_soft_shutdown_on_idle", .bool(worker.softShutdownOnIdle)),
            ("worker_soft_shutdown_timeout", Self.seconds(worker.softShutdownTimeout)),
            ("worker_dead_after", Self.seconds(worker.deadAfter)),
            ("worker_max_deliveries", .int(Int64(worker.maxDeliveries))),
        ]
    }

    // MARK: Values

    private var backend: String {
        switch configuration.results.backend {
        case .disabled: "disabled"
        case .sameAsBroker: Self.urls(configuration.broker.consumeURLs)
        case .server(let url): Self.masked(url)
        }
    }

    private static func urls(_ urls: [ServerURL]) -> String { urls.map(masked).joined(separator: ";") }

    private static func urls(optional urls: [ServerURL]) -> JSONValue {
        urls.isEmpty ? .null : .string(self.urls(urls))
    }

    /// Celery's mask has eight stars.
    private static func masked(_ url: ServerURL) -> String {
        url.redacted.replacing("**@", with: "********@").replacing("=**", with: "=********")
    }

    private static func names(_ serializers: Set<Serializer>) -> JSONValue {
        .array(serializers.map(\.rawValue).sorted().map(JSONValue.string))
    }

    private static func integer(_ value: Int?) -> JSONValue { value.map { .int(Int64($0)) } ?? .null }

    private static func seconds(_ duration: Duration?) -> JSONValue {
        guard let seconds = duration?.inSeconds else { return .null }
        return Int64(exactly: seconds).map(JSONValue.int) ?? .double(seconds)
    }

    // MARK: Report

    /// What `inspect report` shows, in the shape of Celery's.
    var report: String {
        var text = "\nsoftware -> celery:5.7.0 (spoken by celeriac \(Program.version))\n"
        text += "platform -> system:Linux\n"
        text += "loader   -> \(configuration.file ?? "no configuration file")\n"
        text += "settings -> transport:redis results:\(backend)\n\n"
        for (name, value) in changed { text += "\(name): \(value.pythonRepr)\n" }
        return text
    }
}
