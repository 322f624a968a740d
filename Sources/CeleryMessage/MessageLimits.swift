/// How large a message may be, checked before memory is taken.
public struct MessageLimits: Sendable, Hashable {
    /// The longest list item in bytes; 64 MiB by default.
    public var itemBytes: Int
    /// The longest body in bytes once unwrapped and decompressed; 64 MiB by default.
    public var bodyBytes: Int
    /// The deepest nesting of lists and objects; 512 by default, since protocol 1 nests the rest of a chain.
    public var depth: Int

    /// Makes limits; the defaults admit what Celery's own workers take in practice.
    public init(itemBytes: Int = 64 << 20, bodyBytes: Int = 64 << 20, depth: Int = 512) {
        self.itemBytes = itemBytes
        self.bodyBytes = bodyBytes
        self.depth = depth
    }
}
