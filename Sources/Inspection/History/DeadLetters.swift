/// What has failed for good, and what an operator may do with it.
///
/// All calls throw ``InspectionError``.
public protocol DeadLetters: Sendable {
    /// The kinds of letters there are, the one seen last in front.
    func groups() async throws -> [DeadLetterGroup]

    /// The letters that a query is about, newest first, without their items.
    func letters(_ query: DeadLetterQuery) async throws -> DeadLetterPage

    /// A letter with its item; `nil` when none of this id is kept.
    func letter(id: String) async throws -> DeadLetter?

    /// Sends letters back to the lists they came from, each in one step, with their exact bytes and so under the same
    /// task ids; answers how many went.
    ///
    /// - Parameter perSecond: how many tasks may begin in a second: the letters are parked, spaced out, from where any
    ///   worker releases them, so that nobody has to stay awake for them. `nil` sends them at once.
    func redrive(_ letters: DeadLetterChoice, perSecond: Double?) async throws -> Int

    /// Deletes letters; answers how many there were.
    func delete(_ letters: DeadLetterChoice) async throws -> Int

    /// Letters with their items, oldest first, a batch at a time: ends when `batch` returns `false`.
    func export(_ query: DeadLetterQuery, batch: @Sendable ([DeadLetter]) async throws -> Bool) async throws
}

/// Which letters an action is about.
public enum DeadLetterChoice: Sendable, Hashable {
    /// Those of these ids.
    case ids([String])
    /// Those that match; the query's offset and limit hold, the oldest go first.
    case matching(DeadLetterQuery)
}

extension DeadLetterChoice {
    /// The ids chosen among letters given oldest first.
    public func ids(among letters: [DeadLetter]) -> [String] {
        switch self {
        case .ids(let ids): ids
        case .matching(let query):
            letters.lazy.filter(query.matches).dropFirst(max(0, query.offset)).prefix(max(0, query.limit)).map(\.id)
        }
    }
}
