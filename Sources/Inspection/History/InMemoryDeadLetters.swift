import Synchronization

/// Dead letters that live in this process: what the gateway is tried against without a server.
public final class InMemoryDeadLetters: DeadLetters {
    private struct State {
        /// Oldest first.
        var letters: [DeadLetter] = []
        var redriven: [Redriven] = []
        var isReachable = true
    }

    /// A letter that was sent back.
    public struct Redriven: Sendable, Hashable {
        /// The letter.
        public var letter: DeadLetter
        /// Seconds after the redrive at which its task may begin.
        public var after: Double
    }

    private let state = Mutex(State())

    /// No letters.
    public init() {}

    /// Whether it answers.
    public var isReachable: Bool {
        get { state.withLock { $0.isReachable } }
        set { state.withLock { $0.isReachable = newValue } }
    }

    /// Keeps a letter, as a worker does: one of the same task takes the place of the earlier one.
    public func keep(_ letter: DeadLetter) {
        state.withLock { state in
            var letter = letter
            if let place = state.letters.firstIndex(where: { $0.id == letter.id }) {
                letter.failures = state.letters.remove(at: place).failures + 1
            }
            state.letters.append(letter)
        }
    }

    /// What was sent back, in order.
    public var redriven: [Redriven] { state.withLock { $0.redriven } }

    private func reached<Value: Sendable>(_ body: (inout State) -> Value) throws -> Value {
        try state.withLock { state in
            guard state.isReachable else { throw InspectionError(.unavailable, "switched off") }
            return body(&state)
        }
    }

    /// The kinds of letters there are.
    public func groups() async throws -> [DeadLetterGroup] { try reached { DeadLetterGroup.groups(of: $0.letters) } }

    /// The letters that a query is about.
    public func letters(_ query: DeadLetterQuery) async throws -> DeadLetterPage {
        try reached { DeadLetterPage(query, among: $0.letters) }
    }

    /// The letter of a task.
    public func letter(id: String) async throws -> DeadLetter? {
        try reached { state in state.letters.first { $0.id == id } }
    }

    /// Moves letters to ``redriven``.
    public func redrive(_ letters: DeadLetterChoice, perSecond: Double?) async throws -> Int {
        try reached { state in
            let taken = Self.take(letters, &state)
            let pause = perSecond.map { $0 > 0 ? 1 / $0 : 0 } ?? 0
            for (place, letter) in taken.enumerated() {
                state.redriven.append(Redriven(letter: letter, after: Double(place) * pause))
            }
            return taken.count
        }
    }

    /// Forgets letters.
    public func delete(_ letters: DeadLetterChoice) async throws -> Int {
        try reached { Self.take(letters, &$0).count }
    }

    /// The letters, in batches of a hundred.
    public func export(_ query: DeadLetterQuery, batch: @Sendable ([DeadLetter]) async throws -> Bool) async throws {
        var left = try reached { state in state.letters.filter(query.matches) }[...]
        while !left.isEmpty {
            guard try await batch(Array(left.prefix(100))) else { return }
            left = left.dropFirst(100)
        }
    }

    private static func take(_ choice: DeadLetterChoice, _ state: inout State) -> [DeadLetter] {
        choice.ids(among: state.letters).compactMap { id in
            state.letters.firstIndex { $0.id == id }.map { state.letters.remove(at: $0) }
        }
    }
}
