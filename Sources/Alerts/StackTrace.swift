/// The frames of a traceback in Python's layout, as far as it is there.
package struct StackTrace: Sendable, Hashable {
    /// A place in the code.
    package struct Frame: Sendable, Hashable {
        /// The file.
        package var file: String
        /// The line, from 1.
        package var line: Int?
        /// The function.
        package var function: String?
        /// The line's text.
        package var context: String?
    }

    /// The most frames that are kept; the innermost ones.
    private static let most = 100

    /// The outermost first.
    package private(set) var frames: [Frame] = []

    /// Reads the last traceback of a text; of another form there are no frames.
    package init(_ text: String) {
        for line in text.split(whereSeparator: \.isNewline) {
            if line.hasPrefix("Traceback (most recent call last)") {
                // Of exceptions that caused each other the last one is the one that was raised.
                frames = []
            } else if let frame = Self.frame(line) {
                frames.append(frame)
            } else if line.hasPrefix("    "), !frames.isEmpty, frames[frames.count - 1].context == nil {
                frames[frames.count - 1].context = String(line.drop(while: \.isWhitespace).prefix(300))
            }
        }
        frames = Array(frames.suffix(Self.most))
    }

    /// The frame of a line such as `File "a.py", line 12, in run`.
    private static func frame(_ line: Substring) -> Frame? {
        let text = line.drop(while: \.isWhitespace)
        guard text.hasPrefix("File \"") else { return nil }
        let parts = text.dropFirst(6).split(separator: "\"", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty else { return nil }
        var frame = Frame(file: String(parts[0].prefix(500)))
        for part in parts[1].split(separator: ", ", maxSplits: 2) {
            if part.hasPrefix("line ") { frame.line = Int(part.dropFirst(5)) }
            if part.hasPrefix("in ") { frame.function = String(part.dropFirst(3).prefix(300)) }
        }
        return frame
    }
}
