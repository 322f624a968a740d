/// Why a gateway did not take a message.
public struct SMSError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The kinds of failure.
    public enum Code: String, Sendable {
        /// The gateway refused the message for good: bad number, sender not approved, wrong login, no consent.
        case refused
        /// The gateway cannot take it now: too many requests, fault on its side.
        case unavailable
        /// The gateway could not be reached: nothing was sent.
        case unreachable
        /// No usable answer came: the message may have been sent.
        case answerLost
    }

    /// The kind of failure.
    public var code: Code
    /// The gateway's name.
    public var gateway: String
    /// The gateway's own code, when it gave one.
    public var gatewayCode: String?
    /// What happened, without secrets.
    public var message: String

    /// Describes a failure.
    public init(_ code: Code, gateway: String, gatewayCode: String? = nil, message: String) {
        self.code = code
        self.gateway = gateway
        self.gatewayCode = gatewayCode
        self.message = message
    }

    /// Whether trying again later makes sense.
    public var isTemporary: Bool { code != .refused }

    /// `netgsm refused the message (40): …`.
    public var description: String {
        let number = gatewayCode.map { " (\($0))" } ?? ""
        return switch code {
        case .refused: "\(gateway) refused the message\(number): \(message)"
        case .unavailable: "\(gateway) cannot take the message now\(number): \(message)"
        case .unreachable: "\(gateway) cannot be reached: \(message)"
        case .answerLost: "\(gateway) gave no usable answer, the message may have been sent: \(message)"
        }
    }
}
