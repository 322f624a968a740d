public import CeleryMessage

/// Which dead letters are wanted; what is left out does not matter.
public struct DeadLetterQuery: Sendable, Hashable {
    /// Of this kind, by ``DeadLetterKind/fingerprint``.
    public var fingerprint: String?
    /// Taken from this queue.
    public var queue: String?
    /// Of this name.
    public var task: String?
    /// Of this tenant.
    public var tenant: String?
    /// Failed at this moment or later.
    public var failedAfter: Instant?
    /// Failed before this moment.
    public var failedBefore: Instant?
    /// The id, or a part of the arguments' text.
    public var text: String?
    /// How many of those that match to leave out, in order.
    public var offset = 0
    /// The most letters to answer, or to act on.
    public var limit = 50

    /// The newest fifty of all.
    public init() {}

    /// Whether a letter is one of those wanted, wherever it stands.
    public func matches(_ letter: DeadLetter) -> Bool {
        var query = HistoryQuery()
        query.queue = queue
        query.task = task
        query.tenant = tenant
        query.finishedAfter = failedAfter
        query.finishedBefore = failedBefore
        query.text = text
        guard query.matches(letter.task) else { return false }
        return fingerprint.map { $0 == letter.fingerprint } ?? true
    }
}

/// A part of the dead letters that a query is about.
public struct DeadLetterPage: Sendable, Hashable {
    /// The letters, newest first; their items are empty, as lists need none.
    public var letters: [DeadLetter]
    /// How many match in all.
    public var total: Int

    /// A part of what was found.
    public init(letters: [DeadLetter] = [], total: Int = 0) {
        self.letters = letters
        self.total = total
    }

    /// What a query makes of letters given oldest first.
    public init(_ query: DeadLetterQuery, among letters: [DeadLetter]) {
        let matching = letters.filter(query.matches)
        let part = matching.reversed().dropFirst(max(0, query.offset)).prefix(max(0, query.limit))
        self.init(
            letters: part.map { letter in
                var letter = letter
                letter.item = []
                return letter
            },
            total: matching.count
        )
    }
}
