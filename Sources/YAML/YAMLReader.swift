/// Reads YAML text into nodes that know their place.
///
/// The text is UTF-8 and holds one document (none at all reads as an empty scalar, YAML's null). Aliases are expanded,
/// merge keys (`<<`) merged, repeated keys refused. Everything is bounded by `YAMLLimits`, counted after expansion, so that a few
/// lines cannot grow into gigabytes ("billion laughs").
public enum YAMLReader {
    /// The root node of the only document in `bytes`.
    public static func node(_ bytes: [UInt8], limits: YAMLLimits = YAMLLimits()) throws(YAMLError) -> YAMLNode {
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
            return try composer.document()
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
