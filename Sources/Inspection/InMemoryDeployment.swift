public import CeleryMessage
import Synchronization

/// A deployment that lives in this process: what the gateway is tried against without a server.
public final class InMemoryDeployment: Sendable {
    private struct State {
        var records: [String: StoredRecord] = [:]
        var places: [String: Whereabouts] = [:]
        var followers: [String: [Int: ResultChanges.Signal]] = [:]
        var lastFollower = 0
        var isReachable = true
        var losesReplies = false
        var sent: [OutgoingMessage] = []
        var unique: Set<String> = []
        var counts = DeploymentCounts()
        var sees = true
    }

    private let state = Mutex(State())

    /// An empty deployment that answers.
    public init() {}

    /// Stores a record as a worker does, and tells those who follow it.
    public func store(_ record: ResultRecord, timeToLive: Duration? = nil) {
        store(record.encoded(), for: record.taskID, timeToLive: timeToLive)
    }

    /// Stores bytes in the place of a record.
    public func store(_ bytes: [UInt8], for taskID: String, timeToLive: Duration? = nil) {
        let signals = state.withLock { state in
            state.records[taskID] = StoredRecord(bytes: bytes, timeToLive: timeToLive)
            return Array((state.followers[taskID] ?? [:]).values)
        }
        for signal in signals { signal.change() }
    }

    /// Says where a task's message is, or that it is nowhere.
    public func put(_ taskID: String, _ place: Whereabouts?) { state.withLock { $0.places[taskID] = place } }

    /// Whether it answers.
    public var isReachable: Bool {
        get { state.withLock { $0.isReachable } }
        set { state.withLock { $0.isReachable = newValue } }
    }

    /// Whether it breaks off after it has got a message, so that nobody knows.
    public var losesReplies: Bool {
        get { state.withLock { $0.losesReplies } }
        set { state.withLock { $0.losesReplies = newValue } }
    }

    /// Whether a search looks at everything.
    public var seesEverything: Bool {
        get { state.withLock { $0.sees } }
        set { state.withLock { $0.sees = newValue } }
    }

    /// How many follow a task's record just now.
    public func followers(of taskID: String) -> Int { state.withLock { $0.followers[taskID]?.count ?? 0 } }

    private func reached<Value: Sendable>(_ body: (inout State) -> Value) throws -> Value {
        try state.withLock { state in
            guard state.isReachable else { throw InspectionError(.unavailable, "switched off") }
            return body(&state)
        }
    }
}

extension InMemoryDeployment: TaskReading {
    /// The stored record.
    public func record(taskID: String) async throws -> StoredRecord? { try reached { $0.records[taskID] } }

    /// Where ``put(_:_:)`` put it.
    public func find(taskID: String, thoroughly: Bool) async throws -> SearchOutcome {
        try reached { state in
            if let place = state.places[taskID] { return .found(place) }
            return state.sees ? .nowhere : .notSeen
        }
    }

    /// Throws when it was switched off.
    public func ping() async throws { try reached { _ in } }
}

extension InMemoryDeployment: ResultFeed {
    /// Follows what ``store(_:timeToLive:)`` stores.
    public func changes(of taskID: String) async throws -> ResultChanges {
        let number = try reached { state in
            state.lastFollower += 1
            return state.lastFollower
        }
        let (changes, signal) = ResultChanges.make { [weak self] in
            self?.state.withLock { _ = $0.followers[taskID]?.removeValue(forKey: number) }
        }
        state.withLock { $0.followers[taskID, default: [:]][number] = signal }
        return changes
    }
}

extension InMemoryDeployment: TaskSending {
    /// Keeps the message.
    public func send(_ message: OutgoingMessage) async throws -> SendOutcome {
        guard isReachable else { throw InspectionError(.notSent, "switched off") }
        if losesReplies { throw InspectionError(.unavailable, "the connection broke") }
        return try reached { state in
            if message.uniqueFor != nil, state.unique.contains(message.taskID) { return .exists }
            let depth = state.sent.count { $0.queue == message.queue }
            if let limit = message.depthLimit, depth >= limit { return .full(depth: depth) }
            if message.uniqueFor != nil { state.unique.insert(message.taskID) }
            state.sent.append(message)
            return .sent
        }
    }

    /// Keeps the messages, or none of them.
    public func send(_ messages: [OutgoingMessage]) async throws -> BulkSendOutcome {
        try reached { state in
            var (unique, existing, fresh) = (state.unique, Set<Int>(), [OutgoingMessage]())
            for (place, message) in messages.enumerated() {
                if message.uniqueFor != nil, !unique.insert(message.taskID).inserted {
                    existing.insert(place)
                } else {
                    fresh.append(message)
                }
            }
            let depth = state.sent.count { $0.queue == messages.first?.queue }
            if let limit = messages.first?.depthLimit, !fresh.isEmpty, depth + fresh.count > limit {
                return .full(depth: depth)
            }
            state.unique = unique
            state.sent += fresh
            return .sent(existing: existing)
        }
    }

    /// Every message that was sent, oldest first.
    public var sent: [OutgoingMessage] { state.withLock { $0.sent } }
}

extension InMemoryDeployment: DeploymentReading {
    /// What ``set(_:)`` said.
    public func counts() async throws -> DeploymentCounts { try reached { $0.counts } }

    /// Says how much there is of everything.
    public func set(_ counts: DeploymentCounts) { state.withLock { $0.counts = counts } }
}
