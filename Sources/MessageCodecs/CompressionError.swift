/// Why bytes could not be compressed or decompressed.
public struct CompressionError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The kinds of trouble; equality of errors goes by it.
    public struct Code: Sendable, Hashable {
        let name: String

        /// Not in the format, cut off, failing its checksum, or followed by something else.
        public static let damaged = Code(name: "damaged")
        /// The result would be longer than allowed, or reading it would take more memory than that.
        public static let tooLarge = Code(name: "tooLarge")
        /// The library has no memory or refused its parameters.
        public static let unavailable = Code(name: "unavailable")
    }

    /// What kind of trouble it is.
    public let code: Code
    /// What is wrong, in words.
    public let message: String

    /// Makes an error.
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// The message.
    public var description: String { message }

    /// Compares the codes.
    public static func == (left: CompressionError, right: CompressionError) -> Bool { left.code == right.code }

    static func damaged(_ format: String) -> CompressionError {
        CompressionError(.damaged, "not a whole \(format) stream")
    }

    static func tooLarge(_ limit: Int) -> CompressionError {
        CompressionError(.tooLarge, "decompresses to more than \(limit) bytes")
    }

    static func unavailable(_ format: String) -> CompressionError {
        CompressionError(.unavailable, "the \(format) library gave no stream")
    }
}
