import CeleryMessage

/// A value of the `unacked` hash taken apart: `[envelope, exchange, routing key]`.
///
/// Celeriac writes the envelope's bytes between `[` and `, "", "<queue>"]`, so they come back exactly; what Kombu
/// wrote there is not Celeriac's to take back.
struct HeldMessage {
    let tag: String
    let queue: String
    let list: String
    let priority: Int
    /// The envelope as it was delivered.
    let item: [UInt8]
    /// The envelope with the redelivered marks.
    let marked: [UInt8]
    let taskID: String?

    init?(tag: String, stored: [UInt8], keys: RedisKeys) {
        guard let (item, queue) = Self.parts(stored) else { return nil }
        self.tag = tag
        self.item = item
        self.queue = queue
        let facts = EnvelopeFacts(item)
        priority = facts.priority
        list = keys.list(queue: queue, step: keys.step(priority: facts.priority))
        taskID = facts.taskID
        // Something that is no envelope goes back as it is; whoever claims it next rejects it with a reason.
        marked = Redelivery.mark(item) ?? item
    }

    /// The routing key is the last JSON string: queue names hold no quote that is not escaped.
    private static func parts(_ stored: [UInt8]) -> (item: [UInt8], queue: String)? {
        let quote = UInt8(ascii: "\"")
        let middle = Array(", \"\", \"".utf8)
        guard stored.count > middle.count + 3, stored.first == UInt8(ascii: "["), stored.last == UInt8(ascii: "]"),
            stored[stored.count - 2] == quote
        else { return nil }
        var start = stored.count - 2 - middle.count
        while start > 0, !stored[start...].starts(with: middle) { start -= 1 }
        guard start > 0 else { return nil }
        let name = Array(stored[(start + middle.count - 1)..<(stored.count - 1)])
        guard let queue = (try? JSONReader.value(name))?.string else { return nil }  // a name Celeriac did not write
        return (Array(stored[1..<start]), queue)
    }
}

/// The two facts recovery needs of an envelope, read leniently.
struct EnvelopeFacts {
    var taskID: String?
    var priority = 0

    init(_ item: [UInt8]) {
        guard let envelope = try? JSONReader.value(item) else { return }  // not an envelope: no facts
        taskID = envelope["headers"]?["id"]?.string ?? envelope["properties"]?["correlation_id"]?.string
        priority = envelope["properties"]?["priority"]?.int.map(Int.init(truncatingIfNeeded:)) ?? 0
    }
}
