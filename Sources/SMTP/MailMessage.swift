public import CeleryMessage

/// One mail, before it becomes bytes.
public struct MailMessage: Sendable, Hashable {
    /// Who it is from; also the envelope's sender.
    public var from: MailAddress
    /// The first recipients.
    public var to: [MailAddress]
    /// Those who get a copy and are seen.
    public var cc: [MailAddress] = []
    /// Those who get a copy and are not seen: in the envelope only.
    public var bcc: [MailAddress] = []
    /// Where answers go when not to ``from``.
    public var replyTo: [MailAddress] = []
    /// The subject; line breaks are refused.
    public var subject: String
    /// The body as plain text; when only ``html`` is given, one is made from it.
    public var text: String?
    /// The body as HTML.
    public var html: String?
    /// The files that travel along.
    public var attachments: [MailAttachment] = []
    /// The identifier without angle brackets; the same at every attempt, so that a repeated mail can be recognised.
    public var messageID: String
    /// When it was written.
    public var date: Instant

    /// Addresses a mail.
    public init(from: MailAddress, to: [MailAddress], subject: String, messageID: String, date: Instant = .now()) {
        self.from = from
        self.to = to
        self.subject = subject
        self.messageID = messageID
        self.date = date
    }

    /// The addresses of all recipients, each once, in order.
    public var recipients: [String] {
        var seen: Set<String> = []
        return (to + cc + bcc).map(\.address).filter { seen.insert($0).inserted }
    }
}
