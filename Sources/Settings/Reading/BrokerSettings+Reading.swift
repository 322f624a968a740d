import YAML

extension BrokerSettings {
    /// The `broker_*` keys.
    static let settings: [Setting<BrokerSettings>] = [
        .value("broker_url", "URL or list of URLs", \.urls) { $0.urls($1) },
        .value("broker_read_url", "URL or list of URLs", \.readURLs) { $0.urls($1) },
        .value("broker_write_url", "URL or list of URLs", \.writeURLs) { $0.urls($1) },
        Setting("broker_transport_options", "block") { node, broker, reader in
            guard let entries = reader.entries(node, expected: "a block of options") else { return }
            reader.block(
                entries,
                TransportOptions.settings,
                into: &broker.transport,
                ignoring: TransportOptions.ignored
            )
        },
        .optional("broker_use_ssl", "true, false or block", \.tls) { $0.tls($1) },
        .seconds("broker_connection_timeout", \.connectionTimeout),
        .bool("broker_connection_retry", \.connectionRetry),
        .bool("broker_connection_retry_on_startup", \.connectionRetryOnStartup),
        Setting("broker_connection_max_retries", "whole number or null") { node, broker, reader in
            if reader.isNull(node) {
                broker.connectionMaxRetries = nil
            } else if let times = reader.int(node, in: 0...Int.max) {
                broker.connectionMaxRetries = times == 0 ? nil : times
            }
        },
        .choice("broker_failover_strategy", \.failoverStrategy),
    ]
}

extension TransportOptions {
    static let settings: [Setting<TransportOptions>] =
        own + SentinelSettings.settings.map { $0.within(\.sentinel) }

    private static let own: [Setting<TransportOptions>] = [
        .value("visibility_timeout", "seconds", \.visibilityTimeout) { $0.seconds($1, least: .leastNonzeroMagnitude) },
        .int("unacked_restore_limit", \.unackedRestoreLimit, in: 1...Int.max),
        .name("unacked_key", \.unackedKey),
        .name("unacked_index_key", \.unackedIndexKey),
        .name("unacked_mutex_key", \.unackedMutexKey),
        .seconds("unacked_mutex_expire", \.unackedMutexExpire),
        .value("priority_steps", "list of whole numbers", \.prioritySteps) { $0.prioritySteps($1) },
        .value("sep", "text", \.separator) { $0.separator($1) },
        .choice("queue_order_strategy", \.queueOrder),
        .value("global_keyprefix", "text", \.globalKeyPrefix) { $0.string($1) },
        Setting("fanout_prefix", "true, false or text") { node, options, reader in
            if case .bool(let isOn)? = node.scalar.flatMap({ YAMLSchema.core.resolve($0.text) }) {
                options.fanoutPrefix = isOn ? TransportOptions().fanoutPrefix : nil
            } else if let prefix = reader.string(node) {
                options.fanoutPrefix = prefix
            }
        },
        .bool("fanout_patterns", \.fanoutPatterns),
        .seconds("socket_timeout", \.socketTimeout, zeroIsNone: true),
        .seconds("socket_connect_timeout", \.socketConnectTimeout, zeroIsNone: true),
        .bool("socket_keepalive", \.socketKeepalive),
        .seconds("health_check_interval", \.healthCheckInterval, zeroIsNone: true),
        .name("client_name", \.clientName),
    ]

    /// Kombu's options that have nothing to act on here, and why.
    static let ignored = [
        "ack_emulation": "messages are always held until they are acknowledged",
        "max_connections": "a worker has two or three connections in all",
        "polling_interval": "the worker does not poll",
        "retry_on_timeout": "a connection that times out is always replaced",
        "socket_keepalive_options": "the operating system's intervals are used",
        "unacked_restore_interval": "dead workers' messages are looked for all the time",
        "unacked_restore_throttle": "dead workers' messages are looked for all the time",
        "sentinel_fanout_compat": "only the channels of kombu 5.4 and later are used",
        "credential_provider": "it names a Python class; put the password into the URL or an environment variable",
        "deadletter_queue": "messages that cannot be pushed become dead letters",
    ]
}

extension TLSSettings {
    static let settings: [Setting<TLSSettings>] = [
        .value("ssl_cert_reqs", "none, optional or required", \.verification) { reader, node in
            // Python's names and numbers of the same three.
            switch node.scalar?.text {
            case "0", "CERT_NONE", "None": return Verification.none
            case "1", "CERT_OPTIONAL": return .optional
            case "2", "CERT_REQUIRED": return .required
            default: return reader.choice(node, Verification.self)
            }
        },
        .bool("ssl_check_hostname", \.checksHostname),
        .path("ssl_ca_certs", \.authoritiesFile),
        .path("ssl_certfile", \.certificateFile),
        .path("ssl_keyfile", \.keyFile),
    ]
}

extension SettingReader {
    /// `true`, or a block of `ssl_*` options; `false` is none.
    mutating func tls(_ node: YAMLNode) -> TLSSettings? {
        guard let entries = node.mapping else {
            return bool(node) == true ? TLSSettings() : nil
        }
        var tls = TLSSettings()
        block(entries, TLSSettings.settings, into: &tls)
        return tls
    }

    fileprivate mutating func prioritySteps(_ node: YAMLNode) -> [Int]? {
        let steps = (node.sequence ?? []).compactMap { int($0, in: 0...255) }
        guard !steps.isEmpty, steps.count == node.sequence?.count else {
            if steps.isEmpty { error(node, "expected a list of priorities from 0 to 255, such as [0, 3, 6, 9]") }
            return nil
        }
        guard Set(steps).count == steps.count else {
            error(node, "names a priority twice")
            return nil
        }
        return steps.sorted()
    }

    fileprivate mutating func separator(_ node: YAMLNode) -> String? {
        guard let text = string(node) else { return nil }
        if text.isEmpty { error(node, "must not be empty: priorities would share one list") }
        return text.isEmpty ? nil : text
    }
}
