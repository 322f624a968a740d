/// One text message to one number.
public struct SMSMessage: Sendable, Hashable {
    /// Whom it goes to.
    public let phone: PhoneNumber
    /// What it says.
    public let text: String

    /// Addresses a text.
    public init(phone: PhoneNumber, text: String) {
        self.phone = phone
        self.text = text
    }
}

/// What a gateway said about a message it took.
public struct SMSReceipt: Sendable, Hashable {
    /// The gateway's own number for it; reports are asked for with it.
    public var id: String?
    /// Set when the gateway had taken the same message before, at an attempt whose answer was lost.
    public var wasDuplicate = false
    /// The file, for the outbox.
    public var file: String?

    /// Holds an answer.
    public init(id: String?) { self.id = id }
}

/// Where one message of a task stands, for what a gateway keeps or compares.
public struct SMSAttempt: Sendable, Hashable {
    /// The task's id, with the place in the list for a bulk task.
    public var name: String
    /// Whether an earlier attempt may have reached the gateway.
    public var isRepeat: Bool
    /// The company the message is sent for.
    public var company: String?

    /// Describes an attempt.
    public init(name: String, isRepeat: Bool = false, company: String? = nil) {
        self.name = name
        self.isRepeat = isRepeat
        self.company = company
    }
}

/// A way to send text messages.
public protocol SMSGateway: Sendable {
    /// The name in options and results.
    var name: String { get }
    /// Whether the gateway uses the Turkish single shift table, which decides the number of parts.
    var hasTurkishShift: Bool { get }
    /// Hands a message over; throws ``SMSError``, or `CancellationError` when cancelled.
    func send(_ message: SMSMessage, attempt: SMSAttempt) async throws -> SMSReceipt
}
