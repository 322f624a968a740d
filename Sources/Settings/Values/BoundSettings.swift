/// How much bad input may cost: `message_*`, `rejected_*`.
public struct BoundSettings: Sendable, Hashable {
    /// `message_max_bytes`: the largest message, and the largest body once decoded and decompressed; default 64 MiB.
    public var messageBytes = 64 << 20
    /// `message_max_depth`: the deepest nesting in a message; default 100.
    public var messageDepth = 100
    /// `rejected_limit`: how many rejected messages are kept; default 1000.
    public var rejectedLimit = 1000
    /// `rejected_expires`: for how long after the last one; default seven days.
    public var rejectedExpires: Duration = .seconds(7 * 86_400)

    /// The defaults.
    public init() {}
}
