public import CeleryMessage
import Synchronization

/// What every ``InMemoryBroker`` of one deployment shares: queues, held messages, parked ones, results.
///
/// Behaves as the Redis deployment does, seen through ``Broker``; for tests and for programs that run tasks of their own.
public final class InMemoryStore: Sendable, ResultBackend {
    /// Names a list: a queue and one of its priority steps.
    struct ListKey: Hashable {
        var queue: String
        var step: Int
    }

    struct Held {
        var item: [UInt8]
        var queue: String
        var priority: Int
        var lease: Instant
    }

    struct Parked {
        var message: Publication
        var due: Instant
        var number: Int
    }

    struct State {
        /// Items of each list, next to be taken last.
        var lists: [ListKey: [[UInt8]]] = [:]
        var held: [DeliveryTag: Held] = [:]
        var workers: [String: Instant] = [:]
        var parked: [Parked] = []
        var parkedCount = 0
        var results: [String: [UInt8]] = [:]
        var storeCounts: [String: Int] = [:]
        /// Oldest first.
        var deadLetters: [DeadMessage] = []
        var deliveries: [String: Int] = [:]
        var listeners: [String: @Sendable (BrokerNotice) -> Void] = [:]
        var paused: Set<String> = []
        /// Lines of finished tasks, oldest first, by queue and outcome.
        var history: [HistoryKey: [HistoryLine]] = [:]
        var historyCounts: [String: Int] = [:]
        /// Chords by group id.
        var chords: [String: Chord] = [:]
        /// Complete chords that wait to be finished, by group id, with the moment since when.
        var claims: [String: (claim: ChordClaim, since: Instant)] = [:]
    }

    /// Names what is kept together: a queue, and whether its tasks completed.
    struct HistoryKey: Hashable {
        var queue: String
        var isCompleted: Bool
    }

    /// The line of a finished task, and until when it is kept.
    struct HistoryLine {
        var bytes: [UInt8]
        var until: Instant
    }

    /// A chord's counters.
    struct Chord {
        var size: Int?
        var more = 0
        var saved: [UInt8]?
        var parts: [Part] = []
        var token: String?
        var isDone = false

        struct Part {
            var member: String
            var score: Double
            var value: [UInt8]
        }
    }

    /// The steps that priorities are rounded down to.
    static let steps = [0, 3, 6, 9]

    let state = Mutex(State())
    let now: @Sendable () -> Instant
    let deadAfter: Duration
    let leaseAhead: Duration
    let visibilityTimeout: Duration
    let deadLetterLimit: Int
    let resultLimit: Int

    /// Makes an empty deployment with the times the Redis transport has by default.
    public init(
        now: @escaping @Sendable () -> Instant = { .now() },
        deadAfter: Duration = .seconds(12),
        leaseAhead: Duration = .seconds(10),
        visibilityTimeout: Duration = .seconds(3600),
        deadLetterLimit: Int = 10_000,
        resultLimit: Int = .max
    ) {
        self.now = now
        self.deadAfter = deadAfter
        self.leaseAhead = leaseAhead
        self.visibilityTimeout = visibilityTimeout
        self.deadLetterLimit = deadLetterLimit
        self.resultLimit = resultLimit
    }

    /// The record of a task, where it is still kept.
    public func storedRecord(taskID: String) -> [UInt8]? { state.withLock { $0.results[taskID] } }

    // MARK: What a producer does and an operator sees

    /// Puts a message at the end of its queue, as a producer does.
    public func publish(_ message: Publication) {
        state.withLock { Self.push(message, atHead: false, &$0) }
        wakeEverybody()
    }

    /// The items waiting in a queue, next to be taken first.
    public func waiting(in queue: String) -> [[UInt8]] {
        state.withLock { state in
            Self.steps.flatMap { (state.lists[ListKey(queue: queue, step: $0)] ?? []).reversed() }
        }
    }

    /// The tags of held messages.
    public var heldTags: Set<DeliveryTag> { state.withLock { Set($0.held.keys) } }

    /// The messages kept for later with the moments they are due, soonest first.
    public var parked: [(message: Publication, due: Instant)] {
        state.withLock { $0.parked.sorted { $0.due < $1.due }.map { ($0.message, $0.due) } }
    }

    /// The messages of tasks that have failed for good, oldest first.
    public var deadLetters: [DeadMessage] { state.withLock { $0.deadLetters } }

    /// The lines of finished tasks of a queue, oldest first, as ``HistoryWriter`` writes them.
    public func history(queue: String, completed: Bool) -> [[UInt8]] {
        state.withLock { $0.history[HistoryKey(queue: queue, isCompleted: completed)]?.map(\.bytes) ?? [] }
    }

    /// How many tasks have ever ended, by what happened and queue, as in `completed:pdf`.
    public var historyCounts: [String: Int] { state.withLock { $0.historyCounts } }

    static func note(_ note: HistoryNote, _ state: inout State) {
        for count in note.counts { state.historyCounts[count, default: 0] += 1 }
        guard case .finished(let end) = note else { return }
        var line: [UInt8] = []
        end.writer.write(end, into: &line)
        let key = HistoryKey(queue: end.queue, isCompleted: end.isCompleted)
        var lines = state.history[key] ?? []
        lines.append(HistoryLine(bytes: line, until: end.finishedAt + .seconds(end.bound.seconds)))
        if lines.count > end.bound.count { lines.removeFirst(lines.count - end.bound.count) }
        state.history[key] = lines
    }

    /// How many records have been written for a task, those of states on the way too.
    public func storeCount(taskID: String) -> Int { state.withLock { $0.storeCounts[taskID] ?? 0 } }

    /// The group ids of chords whose counters are kept, those of finished ones left out.
    public var openChords: Set<String> {
        state.withLock { state in Set(state.chords.filter { !$0.value.isDone }.keys) }
    }

    /// The group ids of complete chords that wait to be finished.
    public var claimedChords: Set<String> { state.withLock { Set($0.claims.keys) } }

    /// The newest record of a task.
    public func record(taskID: String) async throws -> [UInt8]? { state.withLock { $0.results[taskID] } }

    // MARK: Steps

    static func push(_ message: Publication, atHead: Bool, _ state: inout State) {
        let clamped = min(max(message.priority, 0), 9)
        let key = ListKey(queue: message.queue, step: steps.last { $0 <= clamped } ?? 0)
        if atHead {
            state.lists[key, default: []].append(message.item)
        } else {
            state.lists[key, default: []].insert(message.item, at: 0)
        }
    }

    func wakeEverybody() { tellEverybody(.wake) }

    private func tellEverybody(_ notice: BrokerNotice) {
        let listeners = state.withLock { Array($0.listeners.values) }
        for tell in listeners { tell(notice) }
    }

    /// Lets nothing more be started from a queue.
    public func pause(_ queue: String) { changePaused { $0.insert(queue) } }

    /// Ends a pause.
    public func resume(_ queue: String) { changePaused { $0.remove(queue) } }

    private func changePaused(_ change: (inout Set<String>) -> Void) {
        let paused = state.withLock { state in
            change(&state.paused)
            return state.paused
        }
        tellEverybody(.paused(paused))
        wakeEverybody()
    }

    /// A stored SUCCESS is final; a record that is no JSON is not seen as one.
    static func isSuccess(_ record: [UInt8]?) -> Bool {
        guard let record, let value = try? JSONReader.value(record) else { return false }
        return value["status"]?.string == "SUCCESS"
    }
}

/// A broker without a server: one worker's view of an ``InMemoryStore``.
public final class InMemoryBroker: Broker {
    /// The first part of every tag this worker holds.
    public let workerID: String
    private let store: InMemoryStore
    private let deliver: @Sendable (@escaping @Sendable () -> Void) -> Void
    private let state = Mutex(State())

    private struct State {
        var nextTag = 1
        var turn = 0
    }

    /// Joins a deployment.
    ///
    /// - Parameter deliver: runs a closure where notices are to be received, for example on an event loop.
    public init(
        _ store: InMemoryStore,
        workerID: String = Identifier.uuid(),
        deliver: @escaping @Sendable (@escaping @Sendable () -> Void) -> Void = { $0() }
    ) {
        self.store = store
        self.workerID = workerID
        self.deliver = deliver
    }

    /// Begins to tell of new messages.
    public func start(queues: [String], onNotice: @escaping @Sendable (BrokerNotice) -> Void) async throws {
        let deliver = deliver
        let paused = store.state.withLock { state in
            state.listeners[workerID] = { notice in deliver { onNotice(notice) } }
            return state.paused
        }
        deliver { onNotice(.paused(paused)) }
    }

    /// Takes messages by the same order as the claim script.
    public func claim(_ request: ClaimRequest) async throws -> ClaimResult {
        let order = serving(request.queues)
        let now = store.now()
        return store.state.withLock { shared in
            var left = request.queues.map(\.room)
            var rooms = request.rooms
            var limit = request.limit
            var deliveries: [Delivery] = []
            for step in InMemoryStore.steps {
                for place in order where !shared.paused.contains(request.queues[place].name) {
                    let queue = request.queues[place]
                    let key = InMemoryStore.ListKey(queue: queue.name, step: step)
                    while limit > 0, left[place] > 0, rooms[queue.pool] > 0, let item = shared.lists[key]?.popLast() {
                        limit -= 1
                        left[place] -= 1
                        rooms[queue.pool] -= 1
                        let tag = nextTag()
                        shared.held[tag] = InMemoryStore.Held(
                            item: item,
                            queue: queue.name,
                            priority: step,
                            lease: now + store.leaseAhead
                        )
                        shared.workers[workerID] = now
                        deliveries.append(Delivery(tag: tag, queue: queue.name, item: item))
                    }
                }
            }
            let more = request.queues.contains { queue in
                !shared.paused.contains(queue.name)
                    && InMemoryStore.steps.contains { step in
                        !(shared.lists[InMemoryStore.ListKey(queue: queue.name, step: step)] ?? []).isEmpty
                    }
            }
            return ClaimResult(deliveries: deliveries, mayHoldMore: more)
        }
    }

    private func nextTag() -> DeliveryTag {
        state.withLock { state in
            defer { state.nextTag += 1 }
            return DeliveryTag("\(workerID):\(state.nextTag)")
        }
    }

    private func serving(_ queues: [ClaimRequest.Queue]) -> [Int] {
        let turn = state.withLock { state in
            state.turn &+= 1
            return state.turn
        }
        return Dictionary(grouping: queues.indices) { queues[$0].rank }.sorted { $0.key < $1.key }
            .flatMap { _, places in
                let first = turn % places.count
                return Array(places[first...]) + Array(places[..<first])
            }
    }

    /// Makes each commit's effects happen, unless its message is no longer held.
    public func commit(_ commits: [Commit]) async throws -> [CommitStatus] {
        let statuses = store.state.withLock { shared in commits.map { apply($0, &shared) } }
        store.wakeEverybody()
        return statuses
    }

    private func apply(_ commit: Commit, _ shared: inout InMemoryStore.State) -> CommitStatus {
        if let tag = commit.tag {
            guard shared.held[tag] != nil else { return .lost }
            if commit.acknowledges { shared.held[tag] = nil }
        }
        if case .finishChord(let claim, let end)? = commit.effects.first {
            guard shared.claims[claim.groupID]?.claim.token == claim.token else { return .lost }
            finish(claim, end, &shared)
        }
        if let note = commit.history { InMemoryStore.note(note, &shared) }
        let completed = commit.effects.compactMap { apply($0, &shared) }
        return completed.isEmpty ? .done : .completed(completed)
    }

    private func finish(_ claim: ChordClaim, _ end: ChordEnd, _ shared: inout InMemoryStore.State) {
        shared.claims[claim.groupID] = nil
        switch end {
        case .sent:
            var done = InMemoryStore.Chord()
            done.isDone = true
            shared.chords[claim.groupID] = done
        case .failed: shared.chords[claim.groupID]?.size = nil
        }
    }

    /// Makes an effect happen; answers the claim of a chord that it completes.
    private func apply(_ effect: Effect, _ shared: inout InMemoryStore.State) -> ChordClaim? {
        switch effect {
        case .store(let result):
            guard !InMemoryStore.isSuccess(shared.results[result.taskID]) else { return nil }
            if shared.results.count >= store.resultLimit, shared.results[result.taskID] == nil {
                // Which one goes makes no difference to what is decided: a task without a record counts as unfinished.
                _ = shared.results.popFirst()
            }
            shared.results[result.taskID] = result.record
            shared.storeCounts[result.taskID, default: 0] += 1
        case .publish(let message): InMemoryStore.push(message, atHead: false, &shared)
        case .putBack(let message): InMemoryStore.push(message, atHead: true, &shared)
        case .park(let message, _, let due):
            shared.parkedCount += 1
            shared.parked.append(InMemoryStore.Parked(message: message, due: due, number: shared.parkedCount))
        case .keepDead(let message):
            shared.deadLetters.removeAll { !message.end.id.isEmpty && $0.end.id == message.end.id }
            shared.deadLetters.append(message)
            if shared.deadLetters.count > store.deadLetterLimit { shared.deadLetters.removeFirst() }
        case .forgetDeliveries(let taskID): shared.deliveries[taskID] = nil
        case .startChord(let chord):
            var counters = shared.chords[chord.start.groupID] ?? InMemoryStore.Chord()
            counters.size = chord.start.size
            counters.saved = chord.start.savedGroup ?? counters.saved
            counters.token = nil
            counters.isDone = false
            shared.chords[chord.start.groupID] = counters
        case .extendChord(let groupID): shared.chords[groupID, default: InMemoryStore.Chord()].more += 1
        case .returnChordPart(let part): return count(part, &shared)
        case .finishChord: break
        }
        return nil
    }

    private func count(_ part: ChordPart, _ shared: inout InMemoryStore.State) -> ChordClaim? {
        var chord = shared.chords[part.groupID] ?? InMemoryStore.Chord()
        if chord.isDone {
            if part.isRedelivered { return nil }
            chord = InMemoryStore.Chord()
        }
        defer { shared.chords[part.groupID] = chord }
        let member = part.taskID + ":" + (part.groupIndex.map(String.init) ?? "+inf")
        if !chord.parts.contains(where: { $0.member == member }) {
            let score = part.groupIndex.map(Double.init) ?? .infinity
            chord.parts.append(InMemoryStore.Chord.Part(member: member, score: score, value: part.value))
        }
        guard let size = chord.size, chord.parts.count == size + chord.more, chord.token == nil else { return nil }
        chord.token = part.token
        let claim = ChordClaim(groupID: part.groupID, token: part.token, completion: part.completion)
        shared.claims[part.groupID] = (claim, store.now())
        return claim
    }

    /// What the header of a claimed chord has brought together, in the order of the header.
    public func chordParts(of claim: ChordClaim) async throws -> ChordParts? {
        store.state.withLock { shared in
            guard let chord = shared.chords[claim.groupID], !chord.isDone else { return nil }
            let values = chord.parts
                .sorted { $0.score == $1.score ? $0.value.lexicographicallyPrecedes($1.value) : $0.score < $1.score }
                .map(\.value)
            guard let saved = chord.saved else { return values.isEmpty ? nil : .values(values) }
            return .saved(group: saved, values: values)
        }
    }

    /// The records of tasks by id.
    public func records(taskIDs: [String]) async throws -> [String: [UInt8]] {
        store.state.withLock { shared in shared.results.filter { taskIDs.contains($0.key) } }
    }

    /// Takes over complete chords that nobody has finished.
    public func overdueChords(age: Duration) async throws -> [ChordClaim] {
        let now = store.now()
        return store.state.withLock { shared in
            let overdue = shared.claims.filter { $0.value.since <= now - age }
            for id in overdue.keys { shared.claims[id]?.since = now }
            return overdue.values.map(\.claim)
        }
    }

    /// Drops what is too old from the history of queues.
    @discardableResult
    public func trimHistory(queues: [String]) async throws -> Int {
        let now = store.now()
        return store.state.withLock { shared in
            var dropped = 0
            for key in shared.history.keys where queues.contains(key.queue) {
                let old = shared.history[key]?.prefix { $0.until < now }.count ?? 0
                shared.history[key]?.removeFirst(old)
                dropped += old
            }
            return dropped
        }
    }

    /// Renews leases and the sign of life.
    public func heartbeat(holding tags: [DeliveryTag]) async throws -> Heartbeat {
        let now = store.now()
        return store.state.withLock { shared in
            shared.workers[workerID] = now
            for tag in tags { shared.held[tag]?.lease = now + store.leaseAhead }
            let dead = shared.workers.filter { $0.key != workerID && $0.value <= now - store.deadAfter }
            return Heartbeat(nextDue: shared.parked.map(\.due).min(), deadWorkers: dead.keys.sorted())
        }
    }

    /// Puts due parked messages at the head of their queues.
    public func releaseDue(limit: Int) async throws -> Instant? {
        let now = store.now()
        let next = store.state.withLock { shared in
            shared.parked.sort { ($0.due, $0.number) < ($1.due, $1.number) }
            let due = shared.parked.prefix(limit).prefix { $0.due <= now }
            for parked in due.reversed() { InMemoryStore.push(parked.message, atHead: true, &shared) }
            shared.parked.removeFirst(due.count)
            return shared.parked.first?.due
        }
        store.wakeEverybody()
        return next
    }

    /// Takes back what a dead worker held; nothing of one that is alive.
    public func recover(
        worker: String,
        maxDeliveries: Int,
        poisoned: @Sendable (Delivery) -> Commit
    ) async throws -> Int {
        let now = store.now()
        let count = store.state.withLock { shared in
            if let seen = shared.workers[worker], seen > now - store.deadAfter { return 0 }
            let held = shared.held.filter { $0.key.text.hasPrefix(worker + ":") }
                .sorted { Self.number($0.key) > Self.number($1.key) }
            for (tag, message) in held {
                // Without an id there is nothing to count by.
                let taskID = (try? JSONReader.value(message.item))?["headers"]?["id"]?.string
                shared.held[tag] = nil
                if let taskID, shared.deliveries[taskID, default: 0] >= maxDeliveries {
                    let delivery = Delivery(tag: tag, queue: message.queue, item: message.item)
                    let end = poisoned(delivery)
                    if let note = end.history { InMemoryStore.note(note, &shared) }
                    for effect in end.effects { _ = apply(effect, &shared) }
                    continue
                }
                putBack(message, &shared)
                if let taskID { shared.deliveries[taskID, default: 0] += 1 }
            }
            shared.workers[worker] = nil
            return held.count
        }
        store.wakeEverybody()
        return count
    }

    /// Puts back what nobody has renewed within the visibility timeout.
    public func restoreAbandoned() async throws -> Int {
        let newest = store.now() - store.visibilityTimeout
        let count = store.state.withLock { shared in
            let abandoned = shared.held.filter { $0.value.lease <= newest }
                .sorted { ($0.value.lease, Self.number($0.key)) > ($1.value.lease, Self.number($1.key)) }
            for (tag, message) in abandoned {
                shared.held[tag] = nil
                putBack(message, &shared)
            }
            return abandoned.count
        }
        store.wakeEverybody()
        return count
    }

    private func putBack(_ message: InMemoryStore.Held, _ shared: inout InMemoryStore.State) {
        let item = Redelivery.mark(message.item) ?? message.item
        let publication = Publication(queue: message.queue, priority: message.priority, item: item)
        InMemoryStore.push(publication, atHead: true, &shared)
    }

    private static func number(_ tag: DeliveryTag) -> Int {
        tag.text.split(separator: ":").last.flatMap { Int($0) } ?? 0
    }

    /// Signs this worker off.
    public func stop() async {
        store.state.withLock { shared in
            shared.listeners[workerID] = nil
            shared.workers[workerID] = nil
        }
    }
}
