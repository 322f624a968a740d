import DequeModule
import WorkerPool

/// A pool and what waits for it.
struct PoolState {
    let pool: any TaskPool
    /// Admitted tasks that the pool has no room for yet, first to run first.
    var reserved: Deque<UInt64> = []
    /// Tasks given to the pool and not ended.
    var dispatched = 0
    /// Tasks in hand that wait for a word about their tenants' plans.
    var asked = 0
    /// Room given away to claims that are on their way.
    var claiming = 0
    /// The size remote control last gave it, in processes, or in slots inside the controller.
    var size: Int?
    /// How fast the pool ends tasks.
    var pace = Pace()

    /// How many messages may be claimed for this pool now: free slots, plus what it works off in some milliseconds.
    func room(prefetchMultiplier: Int?) -> Int {
        let capacity = pool.capacity
        let inHand = reserved.count + dispatched + claiming + asked
        var bound = capacity + pace.lookahead
        if let multiplier = prefetchMultiplier, multiplier > 0 {
            // Whoever asks for more than runs finds one message waiting, however slow the tasks are.
            bound = min(max(bound, capacity + 1), capacity * multiplier)
        }
        // A process pool may hold more than its slots for short tasks; it says so itself.
        let room = max(bound - inHand, pool.free - reserved.count - claiming - asked)
        guard let multiplier = prefetchMultiplier, multiplier > 0 else { return max(0, room) }
        return max(0, min(room, capacity * multiplier - inHand))
    }
}

/// How many tasks end in the time that work may be held ahead, measured while there is work.
struct Pace {
    /// Work worth this long is held beyond the free slots.
    static let horizon = 0.02
    /// Beyond this many, larger batches gain nothing.
    static let ceiling = 256

    /// Tasks a second.
    private(set) var rate = 0.0
    private var windowStart = 0.0
    private var ended = 0

    var lookahead: Int { min(Self.ceiling, Int(rate * Self.horizon)) }

    /// Counts ended tasks at a moment in seconds.
    ///
    /// A window closes after some milliseconds; a quiet second resets it,
    /// so that the first slow tasks after a burst are not hoarded.
    mutating func count(_ tasks: Int, at seconds: Double) {
        let elapsed = seconds - windowStart
        if elapsed > 1 {
            windowStart = seconds
            ended = tasks
            rate = 0
            return
        }
        ended += tasks
        guard elapsed >= 0.005 else { return }
        let fresh = Double(ended) / elapsed
        rate = rate == 0 ? fresh : (rate + fresh) / 2
        windowStart = seconds
        ended = 0
    }
}
