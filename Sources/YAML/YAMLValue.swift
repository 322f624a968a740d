/// A plain value: what a YAML text means, without places and styles.
public enum YAMLValue: Sendable, Hashable {
    /// `null`.
    case null
    /// `true` or `false`.
    case bool(Bool)
    /// An integer that fits 64 bits.
    case int(Int64)
    /// An integer beyond 64 bits: its decimal digits, `-` first when negative.
    case bigInt(String)
    /// A floating-point number, NaN and the infinities included.
    case double(Double)
    /// Text.
    case string(String)
    /// A date, `YYYY-MM-DD`.
    case date(String)
    /// A date and time as Python's `isoformat` writes it; without an offset when the text has none.
    case datetime(String)
    /// Bytes, written as `!!binary`.
    case bytes([UInt8])
    /// A list.
    case sequence([YAMLValue])
    /// A mapping in the order of the text; keys that are no text are written as Python's JSON writes them.
    case mapping([YAMLMember])
}

/// A key and its value in a plain mapping.
public struct YAMLMember: Sendable, Hashable {
    /// The key.
    public var key: String
    /// The value.
    public var value: YAMLValue

    /// Makes a member.
    public init(_ key: String, _ value: YAMLValue) {
        self.key = key
        self.value = value
    }
}
