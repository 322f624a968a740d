/// What the server said to one recipient.
public struct RecipientOutcome: Sendable, Hashable {
    /// The recipient's address.
    public let address: String
    /// The answer to `RCPT TO`.
    public let reply: SMTPReply

    /// Holds an answer.
    public init(address: String, reply: SMTPReply) {
        self.address = address
        self.reply = reply
    }

    /// Whether the server takes mail for this recipient.
    public var isAccepted: Bool { reply.isPositive }
    /// Whether the server may take it later.
    public var isTemporary: Bool { reply.isTemporary }
}

/// A message the server took.
public struct SMTPDelivery: Sendable, Hashable {
    /// The answer to the message, often with the server's queue id.
    public let reply: SMTPReply
    /// The answer to each recipient; at least one was accepted.
    public let recipients: [RecipientOutcome]
}

/// From whom and to whom a message travels, whatever its headers say.
public struct SMTPEnvelope: Sendable, Hashable {
    /// Where failure notices go.
    public var sender: String
    /// The addresses that get it.
    public var recipients: [String]

    /// Addresses an envelope.
    public init(sender: String, recipients: [String]) {
        self.sender = sender
        self.recipients = recipients
    }
}
