/// Reads the JSON that Celery writes: Python's dialect, with Kombu's type tags decoded.
///
/// As Python does it accepts `NaN`, `Infinity`, `-Infinity`, unbounded integers and lone surrogates, and lets the
/// last of several equal keys win; everything else is strict. Mirrors `kombu/utils/json.py`.
///
/// A lone surrogate such as `\ud83d` cannot stand in a Swift string. It is held as U+10FFFF followed by the scalar
/// 0x100000 above it (U+10D83D), and U+10FFFF itself, which Unicode reserves for internal use, as two of them.
/// ``JSONWriter`` turns both back, so reading and writing restores the text.
public enum JSONReader {
    /// Reads one value; nothing but white space may follow it.
    public static func value(_ bytes: [UInt8], limits: JSONLimits = .init()) throws(JSONError) -> JSONValue {
        guard bytes.count <= limits.bytes else { throw JSONError(.tooLarge, at: limits.bytes) }
        return try bytes.withUnsafeBufferPointer { buffer throws(JSONError) -> JSONValue in
            var scanner = JSONScanner(buffer, depth: limits.depth)
            return try scanner.document()
        }
    }

    /// Reads one value from text.
    public static func value(_ text: String, limits: JSONLimits = .init()) throws(JSONError) -> JSONValue {
        try value(Array(text.utf8), limits: limits)
    }
}
