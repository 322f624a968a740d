import YAML

extension ResultSettings {
    /// The `result_*` and `redis_*` keys.
    static let settings: [Setting<ResultSettings>] = [
        Setting("result_backend", "URL, or disabled") { node, results, reader in
            if reader.isNull(node) || ["disabled", "disabled://"].contains(node.scalar?.text) {
                results.backend = .disabled
            } else if let url = reader.backendURL(node) {
                results.backend = .server(url)
            }
        },
        .seconds("result_expires", \.expires, zeroIsNone: true),
        lifetime("result_failure_expires", \.failureExpires),
        lifetime("result_chord_expires", \.chordExpires),
        .bool("result_extended", \.extended),
        .value("result_serializer", "json, yaml or msgpack", \.serializer) { $0.serializer($1) },
        .choice("result_compression", \.compression),
        .seconds("result_chord_join_timeout", \.chordJoinTimeout),
        Setting("result_backend_transport_options", "block") { node, results, reader in
            guard let entries = reader.entries(node, expected: "a block of options") else { return }
            reader.block(entries, transportSettings, into: &results, ignoring: ignoredTransportOptions)
        },
        .seconds("redis_socket_timeout", \.socketTimeout, zeroIsNone: true),
        .seconds("redis_socket_connect_timeout", \.socketConnectTimeout, zeroIsNone: true),
        .bool("redis_socket_keepalive", \.socketKeepalive),
        .seconds("redis_backend_health_check_interval", \.healthCheckInterval, zeroIsNone: true),
        .optional("redis_backend_use_ssl", "true, false or block", \.tls) { $0.tls($1) },
    ]

    private static let transportSettings: [Setting<ResultSettings>] =
        [
            .value("global_keyprefix", "text", \.globalKeyPrefix) { $0.string($1) },
            .bool("result_chord_ordered", \.chordOrdered),
        ] + SentinelSettings.settings.map { $0.within(\.sentinel) }

    private static let ignoredTransportOptions = [
        "retry_policy": "storing a result is retried until the connection is back",
        "visibility_timeout": "it belongs into broker_transport_options",
        "polling_interval": "results are told of, nobody polls",
        "socket_timeout": "redis_socket_timeout is the setting",
        "socket_connect_timeout": "redis_socket_connect_timeout is the setting",
    ]

    private static func lifetime(
        _ name: String,
        _ path: Key<ResultSettings, Lifetime>
    ) -> Setting<ResultSettings> {
        // `null` is Celery's default and means result_expires; only 0 means never.
        Setting(name, "seconds or null") { node, results, reader in
            if reader.isNull(node) {
                results[keyPath: path] = .asResults
            } else if let time = reader.seconds(node) {
                results[keyPath: path] = .time(time == .zero ? nil : time)
            }
        }
    }
}

extension SettingReader {
    fileprivate mutating func backendURL(_ node: YAMLNode) -> ServerURL? {
        guard let text = string(node) else { return nil }
        if text == "redis" {
            error(node, "names no server; write a URL such as redis://127.0.0.1:6379/0")
            return nil
        }
        let url = ServerURL(text)
        for part in url.parts {
            guard let problem = part.problem else { continue }
            error(node, problem + (part.scheme.isEmpty ? ", and disabled switches results off" : ""))
            return nil
        }
        return url
    }
}
