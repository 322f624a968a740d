/// How much bad input may cost: `message_*`.
public struct BoundSettings: Sendable, Hashable {
    /// `message_max_bytes`: the largest message, and the largest body once decoded and decompressed; default 64 MiB.
    public var messageBytes = 64 << 20
    /// `message_max_depth`: the deepest nesting in a message; default 100.
    public var messageDepth = 100

    /// The defaults.
    public init() {}
}
