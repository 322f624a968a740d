public import CeleryMessage

/// One entry of `tasks:`: which handler runs a task name, and how.
public struct TaskSettings: Sendable {
    /// The task's name on the wire.
    public var name: String
    /// `handler`: the name of the handler that runs it.
    public var handler: String
    /// `queue`: where messages for it are published; `nil` means `task_default_queue`.
    public var queue: String?
    /// `pool`: where it runs; `nil` means its queue's pool.
    public var pool: String?
    /// `options`: the handler's own, `${NAME}` already replaced; may hold secrets.
    public var options: JSONObject = [:]
    /// What this block says about limits, retries and the rest.
    public var policy = TaskAttributes()

    /// Binds a task name to a handler.
    public init(name: String, handler: String) {
        self.name = name
        self.handler = handler
    }
}

extension TaskSettings: CustomStringConvertible, CustomReflectable {
    /// The binding; of the options only the keys.
    public var description: String {
        "\(name) → \(handler)(\(options.keys.joined(separator: ", ")))"
    }
    /// A mirror without the options' values.
    public var customMirror: Mirror { Mirror(self, children: ["task": description, "policy": policy]) }
}

/// A rule of `task_routes`: which queue a task is published to.
public struct TaskRoute: Sendable, Hashable {
    /// A task name, or a pattern with `*`.
    public var pattern: String
    /// The queue.
    public var queue: String?
    /// The routing key, when it differs from the queue's.
    public var routingKey: String?
    /// The priority.
    public var priority: Int?

    /// Makes a rule that says nothing yet.
    public init(pattern: String) { self.pattern = pattern }

    /// Whether the rule is about this task: `*` stands for any characters, everything else for itself.
    public func matches(_ task: String) -> Bool {
        let parts = pattern.split(separator: "*", omittingEmptySubsequences: false)
        guard parts.count > 1, let first = parts.first, let last = parts.last else { return pattern == task }
        guard task.utf8.count >= first.utf8.count + last.utf8.count, task.hasPrefix(first), task.hasSuffix(last) else {
            return false
        }
        var rest = task.dropFirst(first.count).dropLast(last.count)
        for part in parts.dropFirst().dropLast() where !part.isEmpty {
            guard let found = rest.firstRange(of: part) else { return false }
            rest = rest[found.upperBound...]
        }
        return true
    }
}
