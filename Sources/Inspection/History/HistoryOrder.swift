import CeleryMessage

/// By what finished tasks are put in order.
public enum HistoryOrder: String, Sendable, Hashable {
    /// When they ended.
    case finished
    /// Their names, capital letters and small ones alike.
    case name
    /// How they ended.
    case state
    /// When a worker took them.
    case received
    /// When their last attempts began.
    case started
    /// How long their last attempts ran.
    case runtime

    /// Whether one task stands before another; those without the value come first, and those of the same one by their ids.
    public func precedes(_ one: FinishedTask, _ other: FinishedTask) -> Bool {
        switch self {
        case .finished: Self.decide(one.finishedAt, other.finishedAt) ?? (one.id < other.id)
        case .name: Self.decide(Lowered(one.name), Lowered(other.name)) ?? (one.id < other.id)
        case .state: Self.decide(one.state.rawValue, other.state.rawValue) ?? (one.id < other.id)
        case .received: Self.decide(one.receivedAt, other.receivedAt) ?? (one.id < other.id)
        case .started: Self.decide(one.startedAt, other.startedAt) ?? (one.id < other.id)
        case .runtime: Self.decide(one.runtime, other.runtime) ?? (one.id < other.id)
        }
    }

    private static func decide<Value: Comparable>(_ one: Value?, _ other: Value?) -> Bool? {
        switch (one, other) {
        case (let one?, let other?): one == other ? nil : one < other
        case (nil, nil): nil
        case (nil, _): true
        case (_, nil): false
        }
    }

    /// A text of which capital letters of ASCII count as small ones.
    private struct Lowered: Comparable {
        let text: String

        init(_ text: String) { self.text = text }

        private var bytes: some Sequence<UInt8> { text.utf8.lazy.map(HistoryQuery.lowered) }

        static func == (one: Lowered, other: Lowered) -> Bool { one.bytes.elementsEqual(other.bytes) }

        static func < (one: Lowered, other: Lowered) -> Bool { one.bytes.lexicographicallyPrecedes(other.bytes) }
    }
}
