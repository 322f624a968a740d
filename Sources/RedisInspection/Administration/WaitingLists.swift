import RedisClient
import RedisTransport

/// The lists in which the messages of some queues wait, in parts that one script each counts.
///
/// Made once for a deployment's queues: ten thousand of them have forty thousand lists.
struct WaitingLists: Sendable {
    /// A few hundred queues and their lists.
    struct Part: Sendable {
        let queues: ArraySlice<String>
        /// Each queue's list of the most urgent messages, which is that of all messages where nobody uses priorities.
        let first: [String]
        /// Whether any list exists besides those.
        let otherExists: RedisCommand?
    }

    /// How many queues a part has: less than a millisecond's work for Redis, and other clients come in between.
    private static let size = 250

    let queues: [String]
    let parts: [Part]
    private let keys: RedisKeys

    init(queues: [String], keys: RedisKeys) {
        self.queues = queues
        self.keys = keys
        parts = stride(from: 0, to: queues.count, by: Self.size).map { start in
            let part = queues[start..<min(start + Self.size, queues.count)]
            let others = Self.others(of: part, keys)
            return Part(
                queues: part,
                first: part.map { keys.list(queue: $0, step: keys.prioritySteps[0]) },
                otherExists: others.isEmpty ? nil : RedisCommand("EXISTS", arguments: others)
            )
        }
    }

    /// How many lists each queue has besides the first.
    var otherCount: Int { keys.prioritySteps.count - 1 }

    /// The lists of a part besides the first ones, those of one queue together.
    func others(of part: Part) -> [String] { Self.others(of: part.queues, keys) }

    private static func others(of queues: ArraySlice<String>, _ keys: RedisKeys) -> [String] {
        queues.flatMap { queue in keys.prioritySteps.dropFirst().map { keys.list(queue: queue, step: $0) } }
    }
}
