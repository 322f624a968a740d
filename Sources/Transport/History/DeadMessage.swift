import CeleryMessage

/// A message whose task has failed for good, on its way to the dead letters.
public struct DeadMessage: Sendable, Hashable {
    /// How the task ended.
    public var end: TaskEnd
    /// Why it is kept, in a sentence.
    public var reason: String
    /// The message exactly as it was pushed, and where it goes when it is sent once more.
    public var message: Publication

    /// Describes a message to keep.
    public init(end: TaskEnd, reason: String, message: Publication) {
        self.end = end
        self.reason = reason
        self.message = message
    }

    /// The letter's id: the task's, or one of its own where the message has none that could be one.
    public var id: String {
        end.id.isEmpty || end.id.utf8.count > 255 ? "unreadable-" + Identifier.uuid() : end.id
    }

    /// The letter's facts: the end's line with the queue as `q` and the reason as `y`.
    public func facts(id: String) -> [UInt8] {
        var line: [UInt8] = []
        end.writer.write(end, into: &line)
        line.removeLast()
        line.append(literal: ",\"q\":")
        JSONWriter.writeString(HistoryWriter.cut(message.queue, HistoryWriter.nameLimit), into: &line)
        line.append(literal: ",\"y\":")
        JSONWriter.writeString(HistoryWriter.cut(reason, HistoryWriter.messageLimit), into: &line)
        line.append(UInt8(ascii: "}"))
        return line
    }
}
