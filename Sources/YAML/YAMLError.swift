/// Why a YAML text cannot be read, and where.
///
/// The message never repeats values of the text, which may hold secrets; it names keys, anchors and tags.
public struct YAMLError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What kind of error it is; an open set.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        /// The name of the code.
        public let description: String

        init(_ name: String) { description = name }

        /// The text breaks YAML's grammar.
        public static let syntax = Code("syntax")
        /// The bytes are not UTF-8, or hold a control character that YAML forbids.
        public static let encoding = Code("encoding")
        /// A mapping has the same key twice; `related` is the first place.
        public static let duplicateKey = Code("duplicateKey")
        /// A key is a list or a mapping.
        public static let unsupportedKey = Code("unsupportedKey")
        /// An alias names no anchor before it, or one that contains the alias.
        public static let alias = Code("alias")
        /// A merge key's value is neither a mapping nor a list of mappings.
        public static let merge = Code("merge")
        /// There is more than one document.
        public static let severalDocuments = Code("severalDocuments")
        /// A limit of `YAMLLimits` is passed.
        public static let limit = Code("limit")
        /// A tag that stands for no plain value.
        public static let unsupportedTag = Code("unsupportedTag")
        /// A scalar does not fit its tag, such as `!!int x`.
        public static let invalidScalar = Code("invalidScalar")
    }

    /// What kind of error it is.
    public let code: Code
    /// What is wrong, in one line.
    public let message: String
    /// Where it is wrong.
    public let position: YAMLPosition
    /// The other place that matters, such as a key's first occurrence or where the broken block began.
    public let related: YAMLPosition?

    /// Makes an error about one place, with another that explains it where there is one.
    public init(_ code: Code, _ message: String, at position: YAMLPosition, related: YAMLPosition? = nil) {
        self.code = code
        self.message = message
        self.position = position
        self.related = related
    }

    /// `line:column: message`, followed by the other place.
    public var description: String {
        related.map { "\(position): \(message) (see \($0))" } ?? "\(position): \(message)"
    }
}
