import Settings

/// What a running gateway cannot change: the socket it listens on, its connections to Redis, and the form of its log.
enum FixedSettings {
    /// Puts what is in use into a configuration that was read again; answers the names of the settings that differed.
    static func keep(from used: CeleriacConfiguration, in fresh: inout CeleriacConfiguration) -> [String] {
        var differing: [String] = []
        func keep<Value: Equatable>(_ name: String, _ path: WritableKeyPath<CeleriacConfiguration, Value>) {
            guard fresh[keyPath: path] != used[keyPath: path] else { return }
            fresh[keyPath: path] = used[keyPath: path]
            differing.append(name)
        }
        keep("gateway.host", \.gateway.host)
        keep("gateway.port", \.gateway.port)
        keep("gateway.unix_socket", \.gateway.unixSocket)
        keep("gateway.shutdown_timeout", \.gateway.shutdownTimeout)
        // Other files of a certificate are taken; from HTTP to HTTPS and back is another address.
        if (fresh.gateway.tls == nil) != (used.gateway.tls == nil) { keep("gateway.tls", \.gateway.tls) }
        keep("broker_url", \.broker.urls)
        keep("broker_read_url", \.broker.readURLs)
        keep("broker_write_url", \.broker.writeURLs)
        keep("broker_transport_options", \.broker.transport)
        keep("broker_use_ssl", \.broker.tls)
        keep("broker_failover_strategy", \.broker.failoverStrategy)
        keep("broker_connection_timeout", \.broker.connectionTimeout)
        keep("result_backend", \.results.backend)
        keep("result_backend_transport_options.global_keyprefix", \.results.globalKeyPrefix)
        keep("result_backend_transport_options", \.results.sentinel)
        keep("redis_socket_connect_timeout", \.results.socketConnectTimeout)
        keep("redis_backend_use_ssl", \.results.tls)
        keep("worker_dead_after", \.worker.deadAfter)
        keep("control_exchange", \.messaging.controlExchange)
        keep("log_level", \.log.level)
        keep("log_format", \.log.format)
        return differing
    }
}
