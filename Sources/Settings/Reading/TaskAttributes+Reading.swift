import YAML

extension TaskAttributes {
    /// The keys that a task's and a queue's block share.
    static let shared: [Setting<TaskAttributes>] = [
        Setting("max_retries", "whole number or null") { node, attributes, reader in
            if reader.isNull(node) {
                attributes.maxRetries = .unlimited
            } else if let times = reader.int(node, in: 0...Int.max) {
                attributes.maxRetries = .times(times)
            }
        },
        .optional("default_retry_delay", "seconds", \.defaultRetryDelay) { $0.seconds($1) },
        .optional("retry_backoff", "true, false or seconds", \.retryBackoff) { $0.retryBackoff($1) },
        .optional("retry_backoff_max", "seconds", \.retryBackoffMax) { $0.seconds($1) },
        .bool("retry_jitter", \.retryJitter),
        .optional("autoretry_for", "list of exception names", \.autoretryFor) { $0.strings($1) },
        .optional("dont_autoretry_for", "list of exception names", \.dontAutoretryFor) { $0.strings($1) },
        .seconds("time_limit", \.timeLimit),
        .seconds("soft_time_limit", \.softTimeLimit),
        .optional("stalled_after", "seconds", \.stalledAfter) { $0.seconds($1) },
        .int("priority", \.priority, in: 0...255),
        .bool("acks_late", \.acksLate),
        acksOnFailureOrTimeout,
        .bool("acks_on_failure", \.acksOnFailure),
        .bool("acks_on_timeout", \.acksOnTimeout),
        .bool("reject_on_worker_lost", \.rejectOnWorkerLost),
        .bool("retry_on_worker_lost", \.retryOnWorkerLost),
        .bool("ignore_result", \.ignoreResult),
        .bool("store_errors_even_if_ignored", \.storeErrorsEvenIfIgnored),
        .bool("track_started", \.trackStarted),
        .seconds("expires", \.expires),
        .optional("throws", "list of exception names", \.throwing) { $0.strings($1) },
        .optional("serializer", "json, yaml or msgpack", \.serializer) { $0.serializer($1) },
        .choice("compression", \.compression),
        .bool("send_events", \.sendEvents),
        .int("resultrepr_maxsize", \.resultReprMaxSize, in: 3...1_000_000),
        .bool("history", \.history),
        .bool("dead_letter", \.deadLetter),
        .seconds("result_expires", \.resultExpires),
        .bool("sync_fallback", \.syncFallback),
    ]

    /// A task's own rate limit; a queue's is another thing, over all workers.
    static let rateLimitSetting = Setting<TaskAttributes>.optional("rate_limit", "rate such as 100/m", \.rateLimit) {
        $0.rateLimit($1)
    }

    /// The levels' common default: `task_time_limit` and so on, where Celery has the setting.
    static let defaults: [Setting<TaskAttributes>] =
        shared.filter { topLevel.contains($0.name) } + [
            .int("default_priority", \.priority, in: 0...255),
            .optional("default_rate_limit", "rate such as 100/m", \.rateLimit) { $0.rateLimit($1) },
        ]

    private static let topLevel: Set<String> = [
        "time_limit", "soft_time_limit", "acks_late", "acks_on_failure_or_timeout", "acks_on_failure",
        "acks_on_timeout",
        "reject_on_worker_lost", "retry_on_worker_lost", "ignore_result", "store_errors_even_if_ignored",
        "track_started",
    ]

    /// Celery's older key for two at once; the newer ones beat it wherever they stand.
    private static let acksOnFailureOrTimeout = Setting<TaskAttributes>("acks_on_failure_or_timeout", "true or false") {
        node,
        attributes,
        reader in
        guard !reader.isNull(node), let value = reader.bool(node) else { return }
        if attributes.acksOnFailure == nil { attributes.acksOnFailure = value }
        if attributes.acksOnTimeout == nil { attributes.acksOnTimeout = value }
    }
}

extension SettingReader {
    mutating func retryBackoff(_ node: YAMLNode) -> TaskAttributes.RetryBackoff? {
        switch node.scalar.flatMap({ YAMLSchema.core.resolve($0.text) }) {
        case .int?, .double?:
            guard let factor = seconds(node) else { return nil }
            return factor == .zero ? .off : .exponential(factor: factor)
        default:
            guard let isOn = bool(node) else { return nil }
            return isOn ? .exponential(factor: .seconds(1)) : .off
        }
    }

    mutating func rateLimit(_ node: YAMLNode) -> TaskAttributes.RateLimit? {
        guard let text = node.scalar?.text, let limit = TaskAttributes.RateLimit(text) else {
            error(node, "expected a rate: starts per second, or text such as 10/s, 100/m or 1000/h")
            return nil
        }
        return limit
    }

    /// A serializer by Kombu's short name or its MIME type.
    mutating func serializer(_ node: YAMLNode) -> Serializer? {
        let text = node.scalar?.text ?? ""
        if let known = Serializer.allCases.first(where: { $0.contentType == text }) { return known }
        if text.hasSuffix("pickle") || text.hasSuffix("python-serialize") {
            error(node, "pickle is refused, since reading it runs code; json, yaml and msgpack are known")
            return nil
        }
        return choice(node, Serializer.self)
    }

    mutating func serializers(_ node: YAMLNode) -> Set<Serializer>? {
        let nodes = node.sequence ?? [node]
        guard !nodes.isEmpty else {
            error(node, "expected at least one of json, yaml and msgpack")
            return nil
        }
        let read = nodes.map { serializer($0) }
        return read.contains(nil) ? nil : Set(read.compactMap { $0 })
    }
}
