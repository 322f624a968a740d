import YAML

extension CeleriacConfiguration {
    /// Every key that may stand at the top of `tasks.yaml`.
    static let settings: [Setting<CeleriacConfiguration>] =
        general + BrokerSettings.settings.map { $0.within(\.broker) }
        + ResultSettings.settings.map { $0.within(\.results) }
        + TaskAttributes.defaults.map { $0.within(\.taskDefaults, as: "task_" + $0.name) }
        + WorkerSettings.settings.map { $0.within(\.worker) }
        + MessagingSettings.settings.map { $0.within(\.messaging) }
        + [
            Setting("pools", "block") { node, configuration, reader in configuration.pools = reader.pools(node) },
            Setting("queues", "block") { node, configuration, reader in configuration.queues = reader.queues(node) },
            Setting("tasks", "block") { node, configuration, reader in configuration.tasks = reader.tasks(node) },
            Setting("history", "block or false") { node, configuration, reader in
                reader.history(node, into: &configuration.history)
            },
            Setting("tenants", "block") { node, configuration, reader in
                configuration.tenants = reader.tenants(node)
            },
            Setting("dead_letters", "block or false") { node, configuration, reader in
                reader.deadLetters(node, into: &configuration.deadLetters)
            },
            Setting("alerts", "block") { node, configuration, reader in
                reader.alerts(node, into: &configuration.alerts)
            },
            Setting("gateway", "block") { node, configuration, reader in
                reader.gateway(node, into: &configuration.gateway)
            },
        ]

    private static let general: [Setting<CeleriacConfiguration>] = [
        .value("data_folder", "path", \.dataFolder) { $0.path($1) },
        .bool("queue_enabled", \.queueEnabled),
        .optional("timezone", "name of a time zone", \.timezone) { $0.timezone($1) },
        .bool("enable_utc", \.enableUTC),
        .value("accept_content", "list of json, yaml, msgpack", \.acceptContent) { $0.serializers($1) },
        .optional("result_accept_content", "list of json, yaml, msgpack", \.resultAcceptContent) { $0.serializers($1) },
        .value("task_serializer", "json, yaml or msgpack", \.taskSerializer) { $0.serializer($1) },
        .choice("task_compression", \.taskCompression),
        .name("task_default_queue", \.defaultQueue),
        .bool("task_create_missing_queues", \.createMissingQueues),
        Setting("task_routes", "block") { node, configuration, reader in configuration.routes = reader.routes(node) },
        .bool("task_send_sent_event", \.sendSentEvent),
        .bool("task_inherit_parent_priority", \.inheritParentPriority),
        .bool("task_allow_error_cb_on_chord_header", \.allowErrorCallbackOnChordHeader),
        .int("task_repr_maxlevels", \.reprMaxLevels, in: 0...100),
        .optional("mask_arguments", "list of names", \.maskArguments) { $0.strings($1) },
        .choice("log_format", \.log.format),
        .choice("log_level", \.log.level),
        .int("message_max_bytes", \.bounds.messageBytes, in: 1024...(512 << 20)),
        .int("message_max_depth", \.bounds.messageDepth, in: 8...512),
    ]
}

extension MessagingSettings {
    fileprivate static let settings: [Setting<MessagingSettings>] = [
        .name("control_exchange", \.controlExchange),
        .seconds("control_queue_ttl", \.controlQueueTTL),
        .seconds("control_queue_expires", \.controlQueueExpires),
        .name("event_exchange", \.eventExchange),
        .name("event_queue_prefix", \.eventQueuePrefix),
        .value("event_serializer", "json, yaml or msgpack", \.eventSerializer) { $0.serializer($1) },
        .seconds("event_queue_ttl", \.eventQueueTTL),
        .seconds("event_queue_expires", \.eventQueueExpires),
    ]
}

extension SettingReader {
    fileprivate mutating func timezone(_ node: YAMLNode) -> String? {
        guard let name = name(node) else { return nil }
        guard TimeZoneNames.isKnown(name) else {
            error(
                node,
                "expected a time zone such as Europe/Istanbul",
                suggestion: NearestName.find(name, in: TimeZoneNames.all())
            )
            return nil
        }
        return name
    }
}
