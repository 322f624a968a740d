import RedisClient
package import RedisTransport
package import Settings

/// Turns the configuration's servers into the Redis client's values.
package enum RedisWiring {
    package static func transport(_ configuration: CeleriacConfiguration) throws -> RedisTransportConfiguration {
        let broker = try broker(configuration)
        let options = configuration.broker.transport
        var keys = RedisKeys()
        keys.prefix = options.globalKeyPrefix
        keys.resultPrefix = resultPrefix(configuration.results.globalKeyPrefix)
        keys.separator = options.separator
        keys.prioritySteps = options.prioritySteps
        keys.unackedName = options.unackedKey
        keys.unackedIndexName = options.unackedIndexKey
        keys.unackedMutexName = options.unackedMutexKey
        keys.fanoutPrefix = options.fanoutPrefix ?? ""
        keys.fanoutPatterns = options.fanoutPatterns
        var transport = RedisTransportConfiguration(
            broker: broker,
            results: try results(configuration, broker: broker),
            keys: keys
        )
        transport.queueOrder = .init(rawValue: options.queueOrder.rawValue) ?? .roundRobin
        transport.deadAfter = max(1, Int(configuration.worker.deadAfter.components.seconds))
        transport.visibilityTimeout = options.visibilityTimeout.inSeconds
        transport.sweepLockSeconds = max(1, Int(options.unackedMutexExpire.components.seconds))
        transport.chordBytes = configuration.bounds.messageBytes
        transport.chordsAreOrdered = configuration.results.chordOrdered
        transport.deadLetterLimit = configuration.deadLetters.count
        transport.deadLetterBytes = configuration.deadLetters.bytes
        transport.deadLetterTimeToLive = max(1, Int(configuration.deadLetters.age.components.seconds))
        return transport
    }

    static func broker(_ configuration: CeleriacConfiguration) throws -> RedisConfiguration {
        let settings = configuration.broker
        let sentinel = settings.transport.sentinel
        var redis = try read(settings.consumeURL, sentinel)
        redis.connectTimeout = settings.transport.socketConnectTimeout ?? settings.connectionTimeout
        if let timeout = settings.transport.socketTimeout { redis.commandTimeout = timeout }
        redis.keepAliveInterval = settings.transport.healthCheckInterval
        redis.clientName = settings.transport.clientName ?? redis.clientName
        if let tls = settings.tls { encrypt(&redis, tls, sentinel) }
        if settings.failoverStrategy == .shuffle, case .servers(let servers) = redis.endpoint {
            redis.endpoint = .servers(RedisServers(servers.list, order: .shuffled))
        }
        return redis
    }

    /// Where results go; `nil` when there is no backend.
    static func results(
        _ configuration: CeleriacConfiguration,
        broker: RedisConfiguration
    ) throws -> RedisConfiguration? {
        let settings = configuration.results
        switch settings.backend {
        case .disabled: return nil
        case .sameAsBroker: return broker
        case .server(let url):
            var redis = try read(url, settings.sentinel)
            redis.connectTimeout = settings.socketConnectTimeout ?? configuration.broker.connectionTimeout
            if let tls = settings.tls ?? configuration.broker.tls { encrypt(&redis, tls, settings.sentinel) }
            // Results are where the messages are, whichever server that is at the time.
            if redis.isSameServer(as: broker) { redis.endpoint = broker.endpoint }
            return redis
        }
    }

    /// Celery puts `_` after a prefix that does not end in a separator.
    static func resultPrefix(_ prefix: String) -> String {
        guard let last = prefix.last, !":_-.".contains(last) else { return prefix }
        return prefix + "_"
    }

    private static func read(_ url: ServerURL, _ sentinel: SentinelSettings) throws -> RedisConfiguration {
        var sentinels = RedisSentinels(
            master: sentinel.masterName ?? "",
            username: sentinel.username,
            password: sentinel.password,
            leastOthers: sentinel.leastOthers
        )
        if let patience = sentinel.patience { sentinels.patience = patience }
        if case .on(let tls) = sentinel.tls { sentinels.tls = tlsValue(tls) }
        var redis: RedisConfiguration
        do throws(RedisError) {
            redis = try RedisConfiguration(url: url.text, sentinels: sentinels)
        } catch {
            throw Complaint("\(url.redacted): \(error.message)", code: .usage)
        }
        if sentinel.tls == .off, case .sentinels(var known) = redis.endpoint {
            known.tls = nil
            redis.endpoint = .sentinels(known)
        }
        return redis
    }

    /// Encrypts connections to the server; those to sentinels too where the URL wants it and nothing else is said of them.
    private static func encrypt(
        _ redis: inout RedisConfiguration,
        _ settings: TLSSettings,
        _ sentinel: SentinelSettings
    ) {
        redis.tls = tlsValue(settings)
        guard sentinel.tls == nil, case .sentinels(var known) = redis.endpoint, known.tls != nil else { return }
        known.tls = redis.tls
        redis.endpoint = .sentinels(known)
    }

    private static func tlsValue(_ settings: TLSSettings) -> RedisTLS {
        RedisTLS(
            verification: .init(rawValue: settings.verification.rawValue) ?? .required,
            checksHostname: settings.checksHostname,
            authoritiesFile: settings.authoritiesFile,
            certificateFile: settings.certificateFile,
            keyFile: settings.keyFile
        )
    }
}
