public import CeleryMessage

/// Remembers who changed what.
///
/// All calls throw ``InspectionError``.
public protocol AuditTrail: Sendable {
    /// Remembers a change.
    func record(_ entry: AuditEntry) async throws

    /// Changes, newest first.
    ///
    /// - Parameter range: which of them, counted from the newest.
    func entries(_ range: Range<Int>) async throws -> AuditPage
}

/// Somebody changed something, or tried to.
public struct AuditEntry: Sendable, Hashable {
    /// When.
    public var at: Instant
    /// Who: the name of the token that was sent.
    public var who: String
    /// From which address.
    public var address: String
    /// What was done, as `queue.pause`.
    public var action: String
    /// To what: the name of a queue, worker or entry, the id of a task.
    public var target: String
    /// What came of it: `paused`, `not_found`, `unavailable`.
    public var outcome: String
    /// More about it, such as how many messages it was.
    public var detail: JSONObject

    /// A change.
    public init(
        at: Instant,
        who: String,
        address: String,
        action: String,
        target: String,
        outcome: String,
        detail: JSONObject = JSONObject()
    ) {
        self.at = at
        self.who = who
        self.address = address
        self.action = action
        self.target = target
        self.outcome = outcome
        self.detail = detail
    }
}

/// A part of the changes.
public struct AuditPage: Sendable, Hashable {
    /// Newest first.
    public var entries: [AuditEntry]
    /// How many are remembered.
    public var total: Int

    /// A part of the changes.
    public init(entries: [AuditEntry], total: Int) {
        self.entries = entries
        self.total = total
    }
}
