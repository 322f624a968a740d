public import CeleryMessage

/// Where a task's message is.
public struct Whereabouts: Sendable, Hashable {
    /// What the message is waiting for.
    public enum Place: Sendable, Hashable {
        /// It waits in its queue; position 1 is the next to be taken.
        case waiting(position: Int)
        /// A worker holds it.
        case held
        /// It is parked until its time comes.
        case parked(until: Instant)
    }

    /// What the message is waiting for.
    public var place: Place
    /// The queue it came from or goes to.
    public var queue: String?
    /// How many times the task has been retried.
    public var retries: Int?

    /// Says where a message is.
    public init(_ place: Place, queue: String? = nil, retries: Int? = nil) {
        self.place = place
        self.queue = queue
        self.retries = retries
    }
}

/// What a search for a task's message gave.
public enum SearchOutcome: Sendable, Hashable {
    /// Here it is.
    case found(Whereabouts)
    /// It is nowhere: everything was looked at, after the search was asked for.
    case nowhere
    /// It was not seen, but not everything was looked at: too many messages, or looked at a moment before.
    case notSeen

    /// Where the message is, when it was found.
    public var whereabouts: Whereabouts? { if case .found(let place) = self { place } else { nil } }
}
