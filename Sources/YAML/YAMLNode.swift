/// One node of a parsed YAML text: a scalar, a list or a mapping, with the place where it stands.
///
/// Aliases are expanded (they share memory with their anchor, and keep its position) and merge keys are merged.
public struct YAMLNode: Sendable, Hashable {
    /// What a node holds.
    public enum Content: Sendable, Hashable {
        /// A single value.
        case scalar(YAMLScalar)
        /// A list.
        case sequence([YAMLNode])
        /// A mapping, entries in the order of the text; no key occurs twice.
        case mapping([YAMLEntry])
    }

    /// What the node holds.
    public var content: Content
    /// The explicit tag in full (`tag:yaml.org,2002:binary`, `!local`), or `nil` where there is none.
    public var tag: String?
    /// Where the node begins.
    public var position: YAMLPosition

    /// Makes a node.
    public init(_ content: Content, tag: String? = nil, position: YAMLPosition) {
        self.content = content
        self.tag = tag
        self.position = position
    }

    /// The scalar, or `nil` for a list or a mapping.
    public var scalar: YAMLScalar? { if case .scalar(let scalar) = content { scalar } else { nil } }
    /// The items of a list, else `nil`.
    public var sequence: [YAMLNode]? { if case .sequence(let items) = content { items } else { nil } }
    /// The entries of a mapping, else `nil`.
    public var mapping: [YAMLEntry]? { if case .mapping(let entries) = content { entries } else { nil } }
    /// The value under `key`, or `nil` when there is none or this is no mapping; searches from the front.
    public subscript(key: String) -> YAMLNode? { mapping?.first { $0.key == key }?.value }
}

/// A key of a mapping and what stands under it.
public struct YAMLEntry: Sendable, Hashable {
    /// The text of the key.
    public var key: String
    /// How the key is written; a plain key may stand for a number or a boolean.
    public var keyStyle: YAMLScalar.Style
    /// Where the key begins.
    public var keyPosition: YAMLPosition
    /// What stands under the key.
    public var value: YAMLNode

    /// Makes an entry.
    public init(key: String, keyStyle: YAMLScalar.Style, keyPosition: YAMLPosition, value: YAMLNode) {
        self.key = key
        self.keyStyle = keyStyle
        self.keyPosition = keyPosition
        self.value = value
    }
}

/// The text of a scalar and how it is written.
public struct YAMLScalar: Sendable, Hashable {
    /// How a scalar is written; only a plain one is looked at for numbers, booleans and nulls.
    public enum Style: Sendable, Hashable {
        /// Without quotes.
        case plain
        /// `'…'`.
        case singleQuoted
        /// `"…"`.
        case doubleQuoted
        /// `|`, lines kept.
        case literal
        /// `>`, lines joined.
        case folded
    }

    /// The text, escapes and folding undone.
    public var text: String
    /// How it is written.
    public var style: Style

    /// Makes a scalar.
    public init(_ text: String, style: Style = .plain) {
        self.text = text
        self.style = style
    }
}
