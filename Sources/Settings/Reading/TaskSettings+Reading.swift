import CeleryMessage
import YAML

extension TaskSettings {
    /// The keys of a task's block.
    static let settings: [Setting<TaskSettings>] =
        [
            .name("handler", \.handler),
            .name("queue", \.queue),
            .name("pool", \.pool),
            Setting("options", "block") { node, task, reader in
                guard reader.entries(node, expected: "a block of the handler's options") != nil else { return }
                task.options = reader.json(node)?.object ?? [:]
            },
        ] + (TaskAttributes.shared + [TaskAttributes.rateLimitSetting]).map { $0.within(\.policy) }
}

extension TaskRoute {
    fileprivate static let settings: [Setting<TaskRoute>] = [
        .name("queue", \.queue),
        .name("routing_key", \.routingKey),
        .int("priority", \.priority, in: 0...255),
    ]

    fileprivate static let ignored = [
        "exchange": "the queue decides the exchange",
        "exchange_type": "the queue decides the exchange",
    ]
}

extension SettingReader {
    /// The tasks, in the order of the file.
    mutating func tasks(_ node: YAMLNode) -> [TaskSettings] {
        named(node, "a block of tasks by their names on the wire").compactMap { entry in
            under(entry.key, at: place(entry.keyPosition)) { $0.task(entry) }
        }
    }

    private mutating func task(_ entry: YAMLEntry) -> TaskSettings? {
        let node = entry.value
        guard let entries = entries(node, expected: "a block such as {handler: debug.echo}") else { return nil }
        let declared = declaredTasks[entry.key]
        var task = TaskSettings(name: entry.key, handler: declared?.handler ?? "")
        block(entries, TaskSettings.settings, into: &task) { key in
            guard key.hasPrefix("task_") else { return nil }
            let short = String(key.dropFirst(5))
            return TaskSettings.settings.contains { $0.name == short } ? "in a task's block it is '\(short)'" : nil
        }
        if declared == nil, !entries.contains(where: { $0.key == "handler" }) {
            add(.error, at: place(entry.keyPosition), "the key 'handler' is missing: which handler runs this task?")
        }
        return task
    }

    /// `task_routes`: a block of patterns, each with a queue's name or a block.
    mutating func routes(_ node: YAMLNode) -> [TaskRoute] {
        named(node, "a block of task names or patterns").compactMap { entry in
            under(entry.key, at: place(entry.keyPosition)) { reader in
                var route = TaskRoute(pattern: entry.key)
                if entry.value.scalar != nil {
                    route.queue = reader.name(entry.value)
                } else if let entries = reader.entries(entry.value, expected: "a queue, or a block with queue") {
                    reader.block(entries, TaskRoute.settings, into: &route, ignoring: TaskRoute.ignored)
                }
                return route
            }
        }
    }
}
