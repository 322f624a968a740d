/// Why a JSON text was refused, and where.
public struct JSONError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The kinds of refusal.
    public enum Code: String, Sendable, Hashable {
        /// The text ends inside a value.
        case unexpectedEnd
        /// A byte that cannot stand at its place.
        case unexpectedByte
        /// Something follows the value.
        case trailingBytes
        /// Digits that are no JSON number.
        case invalidNumber
        /// A backslash followed by something unknown.
        case invalidEscape
        /// A control character inside a string that is not escaped.
        case controlCharacter
        /// Bytes that are not UTF-8.
        case invalidUTF8
        /// More nesting than ``JSONLimits/depth``.
        case tooDeep
        /// A longer text than ``JSONLimits/bytes``.
        case tooLarge
        /// A `__type__` that Kombu does not know.
        case unknownTag
        /// A `__value__` that does not fit its `__type__`.
        case invalidTag
    }

    /// The kind of refusal.
    public let code: Code
    /// The byte at which reading stopped, counted from 0.
    public let offset: Int

    /// Makes an error.
    public init(_ code: Code, at offset: Int) {
        self.code = code
        self.offset = offset
    }

    /// What was wrong, in words; the text itself is never quoted because it may hold secrets.
    public var message: String {
        switch code {
        case .unexpectedEnd: "the text ends inside a value"
        case .unexpectedByte: "unexpected byte"
        case .trailingBytes: "something follows the value"
        case .invalidNumber: "not a number"
        case .invalidEscape: "unknown escape in a string"
        case .controlCharacter: "control character in a string"
        case .invalidUTF8: "invalid UTF-8"
        case .tooDeep: "nested too deeply"
        case .tooLarge: "longer than allowed"
        case .unknownTag: "unknown __type__"
        case .invalidTag: "__value__ does not fit its __type__"
        }
    }

    /// The message with its place.
    public var description: String { "\(message) at byte \(offset)" }
}
