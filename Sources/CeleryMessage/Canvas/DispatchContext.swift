/// Where a message is published.
public struct MessageRoute: Sendable, Hashable {
    /// The exchange; empty for the anonymous one.
    public var exchange: String
    /// The routing key; the queue's name with the anonymous exchange.
    public var routingKey: String

    /// Makes a route.
    public init(exchange: String, routingKey: String) {
        self.exchange = exchange
        self.routingKey = routingKey
    }

    /// The route to a queue by its name.
    public init(queue: String) { self.init(exchange: "", routingKey: queue) }
}

/// Which tasks of a chord get an errback that is linked to it: `task_allow_error_cb_on_chord_header`.
public enum ErrbackReach: Sendable, Hashable {
    /// The body alone, and the chords inside the header: Celery's default.
    case body
    /// Every task of the header too, so that each that fails sends it.
    case headerAndBody
}

/// What has to be known to send tasks: on behalf of a task that ran, or as a client.
public struct DispatchContext: Sendable {
    /// The task that ran: what is sent descends from it and carries its stamps; `nil` for a client, whose tasks are
    /// roots.
    public var parent: TaskHeaders?
    /// Who sends: `gen<pid>@<host>`.
    public var origin: String
    /// What to write as `reply_to` where a signature has none.
    public var replyTo: String
    /// The moment from which countdowns and expiries count.
    public var now: Instant
    /// The priority for signatures that have none: the parent's with `task_inherit_parent_priority`, otherwise `nil`.
    public var inheritedPriority: Int?
    /// Which tasks of a chord get its errbacks.
    public var errbackReach: ErrbackReach
    /// Where a task of a given name goes when its signature does not say.
    public var route: @Sendable (String) -> MessageRoute
    /// Makes ids for tasks and groups that have none.
    public var makeID: @Sendable () -> String

    /// Makes a context; everything goes to the queue `celery` unless `route` says otherwise.
    public init(
        parent: TaskHeaders?,
        origin: String,
        replyTo: String = "",
        now: Instant,
        inheritedPriority: Int? = nil,
        errbackReach: ErrbackReach = .body,
        route: @escaping @Sendable (String) -> MessageRoute = { _ in MessageRoute(queue: "celery") },
        makeID: @escaping @Sendable () -> String = { Identifier.uuid() }
    ) {
        self.parent = parent
        self.origin = origin
        self.replyTo = replyTo
        self.now = now
        self.inheritedPriority = inheritedPriority
        self.errbackReach = errbackReach
        self.route = route
        self.makeID = makeID
    }
}

/// Messages to publish, in order, what belongs to them on the result backend, and the results they will have.
public struct Dispatch: Sendable, Hashable {
    /// The messages in the order in which Celery publishes them.
    public var messages: [TaskMessage]
    /// One tuple for each signature sent; a group has one for all its members.
    public var children: [ResultTuple]
    /// The chords whose headers are among the messages: to be written before any message is published.
    public var chordStarts: [ChordStart]
    /// The result to wait for: the last task of a chain with the others as parents, the body of a chord, a group.
    public var result: ResultTuple?

    /// Makes a dispatch; empty by default.
    public init(
        messages: [TaskMessage] = [],
        children: [ResultTuple] = [],
        chordStarts: [ChordStart] = [],
        result: ResultTuple? = nil
    ) {
        self.messages = messages
        self.children = children
        self.chordStarts = chordStarts
        self.result = result
    }

    /// Adds what another sends; the result stays the first one's.
    mutating func append(_ other: Dispatch) {
        messages += other.messages
        children += other.children
        chordStarts += other.chordStarts
        result = result ?? other.result
    }
}
