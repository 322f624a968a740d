/// How much a JSON text may ask of its reader, checked before memory is taken.
public struct JSONLimits: Sendable, Hashable {
    /// The deepest nesting of lists and objects; 512 by default, about half of what Python's own reader allows.
    public var depth: Int
    /// The longest text in bytes; 64 MiB by default.
    public var bytes: Int

    /// Makes limits; each default suits task messages and results.
    public init(depth: Int = 512, bytes: Int = 64 << 20) {
        self.depth = depth
        self.bytes = bytes
    }
}
