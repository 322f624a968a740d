/// Why a client could not do what it was asked to.
public struct ClientError: Error, Sendable, CustomStringConvertible {
    /// The kind of failure; new kinds may be added.
    public struct Code: Sendable, Hashable {
        let name: String

        /// The settings are wrong; the message lists what.
        public static let configuration = Code(name: "configuration")
        /// There is no result backend, so there is nothing to ask and no chord can be sent.
        public static let noBackend = Code(name: "noBackend")
        /// The time was over before the result was there; as Celery's `TimeoutError`.
        public static let timeout = Code(name: "timeout")
        /// A signature lacks parts, or cannot be written.
        public static let invalidSignature = Code(name: "invalidSignature")
        /// A result is of another type than it was asked for.
        public static let wrongType = Code(name: "wrongType")
    }

    /// The kind of failure.
    public let code: Code
    /// What happened, without secrets.
    public let message: String

    /// Describes a failure.
    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// The message.
    public var description: String { message }
}
