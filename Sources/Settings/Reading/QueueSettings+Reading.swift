import YAML

extension QueueSettings {
    /// The keys of a queue's block.
    static let settings: [Setting<QueueSettings>] =
        [
            .name("pool", \.pool),
            .choice("tier", \.tier),
            .int("concurrency", \.concurrency, in: 1...1_000_000),
            .int("global_concurrency", \.globalConcurrency, in: 1...1_000_000),
            .optional("rate_limit", "rate such as 100/m", \.rateLimit) { $0.rateLimit($1) },
            .name("exchange", \.exchange),
            .value("exchange_type", "direct, topic or fanout", \.exchangeType) { $0.exchangeType($1) },
            .name("routing_key", \.routingKey),
            Setting("retention", "block") { node, queue, reader in
                guard let entries = reader.entries(node, expected: "a block with completed and failed") else { return }
                reader.block(entries, retentionSettings, into: &queue)
            },
        ] + TaskAttributes.shared.map { $0.within(\.policy) }

    private static let retentionSettings: [Setting<QueueSettings>] = [
        .optional("completed", "whole number or block", \.completed) { $0.retention($1) },
        .optional("failed", "whole number or block", \.failed) { $0.retention($1) },
    ]
}

extension PoolSettings {
    /// The keys of a pool's block.
    static let settings: [Setting<PoolSettings>] = [
        .bool("inline", \.inline),
        .optional("processes", "whole number or auto", \.processes) { reader, node in
            node.scalar?.text == "auto" ? nil : reader.int(node, in: 1...1_000)
        },
        .int("slots", \.slots, in: 1...100_000),
        .int("max_tasks_per_child", \.maxTasksPerChild, in: 1...Int.max),
        .int("max_memory_per_child", \.maxMemoryPerChild, in: 1...Int.max),
    ]
}

extension SettingReader {
    /// A number of entries, or a block with `count` and `age`.
    mutating func retention(_ node: YAMLNode) -> QueueSettings.Retention? {
        var retention = QueueSettings.Retention()
        if node.scalar != nil {
            guard let count = int(node, in: 0...10_000_000) else { return nil }
            retention.count = count
            return retention
        }
        guard let entries = entries(node, expected: "a number of tasks, or a block with count and age") else {
            return nil
        }
        let settings: [Setting<QueueSettings.Retention>] = [
            .int("count", \.count, in: 0...10_000_000),
            .optional("age", "seconds", \.age) { $0.seconds($1, least: 1) },
        ]
        block(entries, settings, into: &retention)
        return retention
    }

    fileprivate mutating func exchangeType(_ node: YAMLNode) -> String? {
        let known = ["direct", "topic", "fanout"]
        guard let name = string(node) else { return nil }
        if known.contains(name) { return name }
        error(node, "expected \(Self.alternatives(known))", suggestion: NearestName.find(name, in: known))
        return nil
    }

    /// The pools, in the order of the file.
    mutating func pools(_ node: YAMLNode) -> [PoolSettings] {
        named(node, "a block of pools by name").compactMap { entry in
            under(entry.key, at: place(entry.keyPosition)) { $0.pool(entry) }
        }
    }

    private mutating func pool(_ entry: YAMLEntry) -> PoolSettings? {
        guard let entries = entries(entry.value, expected: "a block such as {processes: 2, slots: 1}") else {
            return nil
        }
        var pool = PoolSettings(name: entry.key)
        block(entries, PoolSettings.settings, into: &pool)
        guard pool.inline else { return pool }
        if !entries.contains(where: { $0.key == "slots" }) { pool.slots = 64 }
        for key in ["processes", "max_tasks_per_child", "max_memory_per_child"] {
            guard let other = entries.first(where: { $0.key == key }) else { continue }
            let place = place(other.keyPosition)
            under(key, at: place) { $0.add(.error, at: place, "an inline pool has no processes") }
        }
        return pool
    }

    /// The queues, in the order of the file.
    mutating func queues(_ node: YAMLNode) -> [QueueSettings] {
        named(node, "a block of queues by name").compactMap { entry in
            under(entry.key, at: place(entry.keyPosition)) { reader in
                guard let entries = reader.entries(entry.value, expected: "a block such as {pool: cpu}") else {
                    return nil
                }
                var queue = QueueSettings(name: entry.key)
                reader.block(entries, QueueSettings.settings, into: &queue)
                return queue
            }
        }
    }

    /// The entries of a block whose keys are names that people choose.
    mutating func named(_ node: YAMLNode, _ expected: String) -> [YAMLEntry] {
        guard let entries = entries(node, expected: expected) else { return [] }
        return entries.filter { isNamed($0) }
    }

    /// Whether a key that people choose can be a name; else a problem is noted.
    mutating func isNamed(_ entry: YAMLEntry) -> Bool {
        if !entry.key.isEmpty, entry.key.utf8.count <= 255, entry.key.utf8.allSatisfy({ $0 >= 0x20 }) { return true }
        add(
            .error,
            at: place(entry.keyPosition),
            "expected a name of 1 to 255 bytes without control characters"
        )
        return false
    }
}
