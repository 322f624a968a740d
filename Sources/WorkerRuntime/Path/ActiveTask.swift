import CeleryMessage
import NIOCore
import Transport

/// A message in this worker's hands, from its claim until its end is committed.
///
/// Confined to the worker's event loop; only the ``Worker`` touches it.
final class ActiveTask {
    /// Where the task is on its way.
    enum Stage: String {
        /// Claimed and admitted, and its tenant may have enough to do.
        case asked
        /// Claimed and admitted, not yet given to a pool.
        case reserved
        /// In a pool's hands.
        case dispatched
    }

    let job: UInt64
    let received: ReceivedMessage
    /// The list item as it came, for when it goes back.
    let item: [UInt8]
    let queue: Int
    let policy: TaskPolicy
    let limits: TimeLimits
    /// What the message is held under; `nil` once acknowledged early.
    var tag: DeliveryTag?
    var stage = Stage.reserved
    let claimedAt: NIODeadline
    var startedAt: NIODeadline?
    var processID: Int32?
    /// When the handler last reported anything, where somebody waits for that.
    var reportedAt: NIODeadline?
    /// Since when it is said to be stalled.
    var stalledSince: Instant?
    /// What the handler last reported, for the dump of running tasks.
    var lastState: String?
    /// The meta it reported with that, as JSON text.
    var lastMeta: [UInt8]?
    var pool: Int
    /// Whether it waits for its rate limit.
    var isHeld = false
    /// Whether it was revoked while it waited in a pool.
    var isCalledOff = false
    /// What counts for its tenant while it is in hand.
    var slot: TenantSlot?
    /// The signal that a command wants it ended by.
    var terminationSignal: Int32?

    var message: TaskMessage { _read { yield received.message } }

    init(
        job: UInt64,
        received: ReceivedMessage,
        item: [UInt8],
        queue: Int,
        pool: Int,
        policy: TaskPolicy,
        limits: TimeLimits,
        tag: DeliveryTag,
        claimedAt: NIODeadline
    ) {
        self.job = job
        self.received = received
        self.item = item
        self.queue = queue
        self.pool = pool
        self.policy = policy
        self.limits = limits
        self.tag = tag
        self.claimedAt = claimedAt
    }
}

extension ActiveTask {
    /// When and how long it ran, for the history.
    func run(until end: Instant, clock: NIODeadline, runtime: Duration?) -> TaskEnd.Run {
        var run = TaskEnd.Run()
        run.receivedAt = Self.moment(claimedAt, before: end, clock)
        guard let startedAt else { return run }
        run.startedAt = Self.moment(startedAt, before: end, clock)
        run.runtime = runtime ?? .nanoseconds(max(0, (clock - startedAt).nanoseconds))
        run.progress = lastMeta
        return run
    }

    /// The wall time of a moment on the monotonic clock.
    private static func moment(_ clock: NIODeadline, before end: Instant, _ now: NIODeadline) -> Instant {
        Instant(microseconds: end.microseconds &- max(0, (now - clock).nanoseconds) / 1000)
    }
}

/// The seconds a run may take.
struct TimeLimits: Sendable, Hashable {
    /// Until the run is cancelled.
    var soft: Double?
    /// Until it is ended by force.
    var hard: Double?
    /// Until it is said to be stalled, unless it reports something.
    var stalled: Double?

    /// Chooses each limit by Celery's order: the message, the task, the queue, the worker's default.
    ///
    /// Mirrors `celery/worker/request.py`. Zero in a message means none was meant and falls through, as in Python.
    init(message: TaskHeaders, task: TaskPolicy, queue: QueuePolicy, worker: WorkerConfiguration) {
        soft = Self.first(message.softTimeLimit, task.softTimeLimit, queue.softTimeLimit, worker.softTimeLimit)
        hard = Self.first(message.hardTimeLimit, task.timeLimit, queue.timeLimit, worker.timeLimit)
        stalled = task.stalledAfter ?? soft ?? hard.map { $0 * 0.75 }
        if stalled == 0 { stalled = nil }
    }

    private static func first(_ limits: Double?...) -> Double? {
        for case let limit? in limits where limit > 0 { return limit }
        return nil
    }
}
