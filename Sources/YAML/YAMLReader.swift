/// Reads YAML text into nodes that know their place.
///
/// The text is UTF-8 and holds one document (none at all reads as an empty scalar, YAML's null). Aliases are expanded,
/// merge keys (`<<`) merged, repeated keys refused. Everything is bounded by `YAMLLimits`, counted after expansion, so that a few
/// lines cannot grow into gigabytes ("billion laughs").
public enum YAMLReader {
    /// The root node of the only document in `bytes`.
    public static func node(_ bytes: [UInt8], limits: YAMLLimits = YAMLLimits()) throws(YAMLError) -> YAMLNode {
        try read(bytes, limits) { (composer) throws(YAMLError) in try composer.document() }
    }

    /// The same for a text with one long block at its top, whose entries are handed on as they are read.
    ///
    /// In the node that is returned the block is empty, so that never more than one of its entries is in memory. A block that
    /// is an alias, or has an anchor or a tag, is not handed on; it stands in the node as ever.
    ///
    /// - Parameters:
    ///   - key: the block's key.
    ///   - take: gets each entry, and the entries that stand above the block. It has got some when an error is thrown later.
    public static func node(
        _ bytes: [UInt8],
        limits: YAMLLimits = YAMLLimits(),
        handingOn key: String,
        to take: (_ entry: YAMLEntry, _ above: [YAMLEntry]) -> Void
    ) throws(YAMLError) -> YAMLNode {
        try withoutActuallyEscaping(take) { (take) throws(YAMLError) in
            try read(bytes, limits) { (composer) throws(YAMLError) in
                try composer.document(Composer.Handing(key: key, take: take))
            }
        }
    }

    private static func read(
        _ bytes: [UInt8],
        _ limits: YAMLLimits,
        _ body: (inout Composer) throws(YAMLError) -> YAMLNode
    ) throws(YAMLError) -> YAMLNode {
        guard bytes.count <= limits.bytes else {
            throw YAMLError(
                .limit,
                "the text has \(bytes.count) bytes; at most \(limits.bytes) are read",
                at: YAMLPosition(line: 1, column: 1)
            )
        }
        // libyaml would count a byte order mark as a column.
        let mark = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
        return try bytes.withUnsafeBufferPointer { (buffer) throws(YAMLError) in
            let text = UnsafeBufferPointer(rebasing: buffer[mark...])
            var composer = Composer(events: try EventStream(text), limits: limits)
            return try body(&composer)
        }
    }

    /// The root node of the only document in `text`.
    public static func node(_ text: String, limits: YAMLLimits = YAMLLimits()) throws(YAMLError) -> YAMLNode {
        try node(Array(text.utf8), limits: limits)
    }

    /// What the only document in `bytes` means as a plain value.
    public static func value(
        _ bytes: [UInt8],
        schema: YAMLSchema,
        limits: YAMLLimits = YAMLLimits()
    ) throws(YAMLError) -> YAMLValue {
        try node(bytes, limits: limits).value(schema)
    }
}
