import CeleryMessage

/// In what way a task failed: letters of one kind most likely have one cause.
public struct DeadLetterKind: Sendable, Hashable {
    /// The task's name; empty where the message could not be read.
    public var task: String
    /// The exception's type.
    public var exception: String
    /// Where it was raised, without the line's number, so that an edit above it makes no new kind.
    public var topFrame: String?

    /// A kind.
    public init(task: String, exception: String, topFrame: String?) {
        self.task = task
        self.exception = exception
        self.topFrame = topFrame
    }

    /// The kind of a letter.
    public init(of letter: DeadLetter) {
        self.init(
            task: letter.task.name,
            exception: letter.task.failure?.type ?? letter.task.state.rawValue,
            topFrame: letter.task.failure?.traceback.flatMap(Self.topFrame)
        )
    }

    /// Sixteen hexadecimal digits that stand for the kind in addresses: FNV-1a over its parts.
    public var fingerprint: String {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for part in [task, exception, topFrame ?? ""] {
            for byte in part.utf8 {
                hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3
            }
            // No text holds this byte, so parts do not run into each other.
            hash = (hash ^ 0xFF) &* 0x100_0000_01B3
        }
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// The innermost frame of a traceback in Python's layout, as `file in function`.
    static func topFrame(_ traceback: String) -> String? {
        let lines = traceback.split(whereSeparator: \.isNewline)
        guard let frame = lines.last(where: { $0.drop(while: \.isWhitespace).hasPrefix("File \"") }) else { return nil }
        let parts = frame.drop(while: \.isWhitespace).dropFirst(6).split(separator: "\"", maxSplits: 1)
        guard let file = parts.first else { return nil }
        let rest = parts.count > 1 ? parts[1] : ""
        guard let place = rest.split(separator: ", in ", maxSplits: 1).dropFirst().first else { return String(file) }
        return "\(file) in \(place)"
    }
}
