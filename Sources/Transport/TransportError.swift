/// Why a broker or backend call failed.
public struct TransportError: Error, Sendable, CustomStringConvertible {
    /// The kind of failure; new kinds may be added.
    public struct Code: Sendable, Hashable {
        let name: String

        /// The connection is gone or did not answer in time; the step may or may not have happened.
        public static let connection = Code(name: "connection")
        /// The server refused: out of memory, no permission, a script that failed.
        public static let refused = Code(name: "refused")
        /// The server wants other credentials.
        public static let authentication = Code(name: "authentication")
        /// The server answered something that makes no sense.
        public static let protocolViolation = Code(name: "protocolViolation")
    }

    /// The kind of failure.
    public let code: Code
    /// What happened, without secrets.
    public let message: String
    /// What caused it.
    public let underlying: (any Error)?

    /// Describes a failure.
    public init(_ code: Code, _ message: String, underlying: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.underlying = underlying
    }

    /// The message.
    public var description: String { message }
}
