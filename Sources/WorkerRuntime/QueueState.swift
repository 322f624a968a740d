/// A queue and how much of it is in hand.
struct QueueState {
    let policy: QueuePolicy
    /// The place of its pool.
    let pool: Int
    /// Its messages in hand: reserved and running.
    var inHand = 0
    /// Room given away to claims that are on their way.
    var claiming = 0
    /// Its messages in hand that wait for their rate limits.
    var held = 0
    /// Whether messages are taken from it.
    var consumes = true

    /// While more of its messages wait for their rate limits, the queue is left alone: the memory for them is bounded.
    static let mostHeld = 256

    init(policy: QueuePolicy, pool: Int) {
        self.policy = policy
        self.pool = pool
    }

    /// How many more of its messages may be in hand.
    var room: Int {
        guard consumes, held < Self.mostHeld else { return 0 }
        guard let concurrency = policy.concurrency else { return Int(Int32.max) }
        return max(0, concurrency - inHand - claiming)
    }
}
