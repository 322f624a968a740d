/// Why a mail could not be handed to the server.
public struct SMTPError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The kinds of failure.
    public enum Code: String, Sendable {
        /// No connection: name not found, refused, unreachable.
        case connectFailed
        /// The server did not answer in time.
        case timedOut
        /// The connection ended in the middle.
        case disconnected
        /// The server closes the connection by itself (421): too many messages, shutting down.
        case serviceClosing
        /// The server refused the connection or its greeting was not 220.
        case greetingRefused
        /// The server does not offer STARTTLS, or refused it, and TLS is required.
        case tlsNotOffered
        /// The TLS handshake failed: unknown authority, wrong name, no common version.
        case tlsFailed
        /// Bytes came in clear after the answer to STARTTLS: somebody on the way put them there.
        case injectedBytes
        /// The server does not speak SMTP.
        case protocolViolation
        /// A user name is configured and the server offers no way to use it.
        case authenticationNotOffered
        /// The server did not accept the user name and password.
        case authenticationFailed
        /// The server refused the sender.
        case senderRefused
        /// The server refused every recipient.
        case recipientsRefused
        /// The server refused the message itself.
        case dataRefused
        /// The message is larger than the server allows.
        case messageTooLarge
        /// The client was shut down.
        case shutDown
    }

    /// The kind of failure.
    public var code: Code
    /// What happened, without secrets.
    public var message: String
    /// The server's answer, when there was one.
    public var reply: SMTPReply?
    /// What became of each recipient, with code ``Code/recipientsRefused``.
    public var recipients: [RecipientOutcome] = []
    /// Whether the whole message had been sent: then it may have been delivered although no answer came.
    public var mayHaveBeenDelivered = false

    /// Describes a failure.
    public init(_ code: Code, _ message: String, reply: SMTPReply? = nil, recipients: [RecipientOutcome] = []) {
        self.code = code
        self.message = message
        self.reply = reply
        self.recipients = recipients
    }

    /// Whether trying again later makes sense.
    public var isTemporary: Bool {
        switch code {
        case .connectFailed, .timedOut, .disconnected, .serviceClosing, .tlsFailed, .shutDown: true
        case .protocolViolation, .injectedBytes, .tlsNotOffered, .authenticationNotOffered, .messageTooLarge: false
        case .recipientsRefused: recipients.contains(where: \.isTemporary)
        case .greetingRefused, .authenticationFailed, .senderRefused, .dataRefused: reply?.isTemporary ?? false
        }
    }

    /// Whether the failure concerns the server as a whole, so that the next mail would meet it too.
    public var concernsServer: Bool {
        switch code {
        case .senderRefused, .recipientsRefused, .dataRefused, .messageTooLarge: false
        default: true
        }
    }

    /// The message and, when there is one, the server's answer.
    public var description: String { reply.map { "\(message): \($0)" } ?? message }
}
