/// How much a YAML text may ask of its reader; every limit is checked before the memory is taken.
public struct YAMLLimits: Sendable, Hashable {
    /// The deepest nesting that any caller can ask for, since reading descends by recursion.
    public static let deepest = 512

    /// The largest text in bytes; default 8 MiB.
    public var bytes: Int
    /// The deepest nesting of lists and mappings, aliases expanded; default 100, at most `deepest`.
    public var depth: Int
    /// The largest number of nodes, aliases and merge keys expanded; default one million.
    public var nodes: Int
    /// The largest sum of all scalars in bytes, aliases and merge keys expanded; default 32 MiB.
    public var expandedBytes: Int

    /// Makes limits; each has a default fit for configuration files and message bodies.
    public init(bytes: Int = 8 << 20, depth: Int = 100, nodes: Int = 1_000_000, expandedBytes: Int = 32 << 20) {
        self.bytes = bytes
        self.depth = min(depth, Self.deepest)
        self.nodes = nodes
        self.expandedBytes = expandedBytes
    }
}
