public import CeleryMessage

/// What the broker tells its worker without being asked.
public enum BrokerNotice: Sendable {
    /// A message may be waiting, or a connection is back: claim again.
    case wake
    /// The connection is lost; calls fail until ``restored``.
    case lost(String)
    /// The connection is back.
    case restored
    /// The queues that are paused just now: what has not started of them is to go back. Told again whenever it changes, and
    /// now and then when it does not.
    case paused(Set<String>)
}

/// What a heartbeat found.
public struct Heartbeat: Sendable {
    /// When the next parked message is due; `nil` when none is parked.
    public var nextDue: Instant?
    /// Workers that stopped renewing; their messages wait to be taken back.
    public var deadWorkers: [String]

    /// Describes what was found.
    public init(nextDue: Instant?, deadWorkers: [String]) {
        self.nextDue = nextDue
        self.deadWorkers = deadWorkers
    }
}

/// Where messages come from and where everything that follows from them goes, in atomic steps.
///
/// All calls throw ``TransportError``; a call that throws `connection` may or may not have happened, and may be
/// repeated: commits are told apart by their tag. Cancellation ends the wait, not the step.
public protocol Broker: Sendable {
    /// This worker's id: the first part of every tag it holds.
    var workerID: String { get }

    /// Connects, declares `queues` for producers that look bindings up, and begins to call `onNotice`, on the executor
    /// that the broker was made for.
    func start(queues: [String], onNotice: @escaping @Sendable (BrokerNotice) -> Void) async throws

    /// Takes messages; each is held by this worker from the same instant.
    func claim(_ request: ClaimRequest) async throws -> ClaimResult

    /// Makes each commit's effects happen, each commit atomically, all in one round trip and in order.
    func commit(_ commits: [Commit]) async throws -> [CommitStatus]

    /// Renews the lease of every message held under `tags` and this worker's sign of life.
    func heartbeat(holding tags: [DeliveryTag]) async throws -> Heartbeat

    /// Puts due parked messages at the head of their queues; answers when the next one is due.
    func releaseDue(limit: Int) async throws -> Instant?

    /// Takes back what a dead worker held, marked redelivered; answers how many messages went back.
    /// A message taken back more than `maxDeliveries` times is handed to `poisoned` instead, which says what is to become of it.
    func recover(
        worker: String,
        maxDeliveries: Int,
        poisoned: @Sendable (Delivery) -> Commit
    ) async throws -> Int

    /// Puts messages back that nobody has renewed within the visibility timeout, whoever held them: those of dead
    /// Celery workers above all. Answers how many.
    func restoreAbandoned() async throws -> Int

    /// Drops what is too old from the history of these queues, where commits bound only its number; answers how much.
    @discardableResult
    func trimHistory(queues: [String]) async throws -> Int

    /// What the header of a claimed chord has brought together; `nil` when nothing of it is left.
    func chordParts(of claim: ChordClaim) async throws -> ChordParts?

    /// The stored records of tasks by id; those without one are left out.
    func records(taskIDs: [String]) async throws -> [String: [UInt8]]

    /// Takes over completed chords that nobody has finished for `age`: each is handed out once in that time.
    func overdueChords(age: Duration) async throws -> [ChordClaim]

    /// Signs this worker off and closes the connections.
    func stop() async
}

/// Reads what was stored.
public protocol ResultBackend: Sendable {
    /// The record of a task, or `nil` when nothing is stored.
    func record(taskID: String) async throws -> [UInt8]?
}
