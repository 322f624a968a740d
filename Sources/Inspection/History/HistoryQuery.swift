public import CeleryMessage

/// Which finished tasks are wanted; what is left out does not matter.
public struct HistoryQuery: Sendable, Hashable {
    /// Taken from this queue.
    public var queue: String?
    /// Ended in one of these states; all when empty.
    public var states: Set<TaskState> = []
    /// Of this name.
    public var task: String?
    /// With this in its name, capital letters and small ones alike.
    public var namePart: String?
    /// Run by this node.
    public var worker: String?
    /// Of this tenant.
    public var tenant: String?
    /// Of the workflow that this task began, itself included.
    public var rootID: String?
    /// Ended at this moment or later.
    public var finishedAfter: Instant?
    /// Ended before this moment.
    public var finishedBefore: Instant?
    /// The id, or a part of the arguments' text.
    public var text: String?
    /// How many of those that match to leave out, in order.
    public var offset = 0
    /// The most tasks to answer.
    public var limit = 50
    /// By what they are put in order.
    public var order = HistoryOrder.finished
    /// Whether the newest come first, or whatever else is greatest in that order.
    public var isNewestFirst = true

    /// The newest fifty of all.
    public init() {}

    /// Those of the tasks that match that are answered.
    ///
    /// - Parameter matching: all that match, in the query's order, the least first.
    public func part<Element>(of matching: [Element]) -> [Element] {
        let rest = matching.count - min(max(0, offset), matching.count)
        let count = min(max(0, limit), rest)
        guard isNewestFirst else { return Array(matching[(matching.count - rest)...].prefix(count)) }
        return matching[..<rest].suffix(count).reversed()
    }

    /// Whether a task is one of those wanted, wherever it stands.
    public func matches(_ task: FinishedTask) -> Bool {
        if let queue, task.queue != queue { return false }
        if !states.isEmpty, !states.contains(task.state) { return false }
        if let name = self.task, task.name != name { return false }
        if let namePart, !Self.holds(namePart, in: task.name) { return false }
        if let worker, task.worker != worker { return false }
        if let tenant, task.tenant != tenant { return false }
        if let rootID, task.rootID != rootID, task.id != rootID { return false }
        if let finishedAfter, task.finishedAt < finishedAfter { return false }
        if let finishedBefore, task.finishedAt >= finishedBefore { return false }
        guard let text, !text.isEmpty else { return true }
        return task.id == text || task.arguments.contains(bytesOf: text) || task.keywords.contains(bytesOf: text)
    }
}

extension HistoryQuery {
    /// Whether a part stands in a task's name, capital letters and small ones of ASCII alike.
    public static func holds(_ part: String, in name: String) -> Bool {
        let wanted = Array(part.utf8.map(lowered))
        guard let first = wanted.first else { return true }
        let bytes = name.utf8
        guard wanted.count <= bytes.count else { return false }
        var place = bytes.startIndex
        for _ in 0...(bytes.count - wanted.count) {
            if lowered(bytes[place]) == first,
                bytes[place...].prefix(wanted.count).lazy.map(lowered).elementsEqual(wanted)
            {
                return true
            }
            place = bytes.index(after: place)
        }
        return false
    }

    static func lowered(_ byte: UInt8) -> UInt8 { (0x41...0x5A).contains(byte) ? byte + 0x20 : byte }
}

extension String {
    /// Whether the bytes of another text occur in this one; unlike `contains` it does not look at characters.
    func contains(bytesOf other: String) -> Bool {
        let found = utf8.withContiguousStorageIfAvailable { bytes in
            other.utf8.withContiguousStorageIfAvailable { wanted in
                guard let first = wanted.first else { return true }
                guard wanted.count <= bytes.count else { return false }
                var place = 0
                while place <= bytes.count - wanted.count {
                    if bytes[place] == first, bytes[place..<place + wanted.count].elementsEqual(wanted) { return true }
                    place += 1
                }
                return false
            }
        }
        return (found ?? nil) ?? contains(other)
    }
}
