/// What a worker can take now.
///
/// Lists are looked at in strict order: the most urgent priority of every queue in turn, then the next priority.
public struct ClaimRequest: Sendable, Equatable {
    /// A queue to take from, with the room its tasks have.
    public struct Queue: Sendable, Equatable {
        /// The queue's name.
        public var name: String
        /// The most messages to take from this queue.
        public var room: Int
        /// Queues of a smaller rank are looked at first within a priority; those of one rank take turns.
        public var rank: Int
        /// Index into ``ClaimRequest/rooms`` of the pool that runs the queue's tasks.
        public var pool: Int

        /// Names a queue and its room.
        public init(name: String, room: Int, pool: Int, rank: Int = 0) {
            self.name = name
            self.room = room
            self.pool = pool
            self.rank = rank
        }
    }

    /// The queues in the order they are served within one priority.
    public var queues: [Queue]
    /// The room of each pool, shared by the queues that name it.
    public var rooms: [Int]
    /// The most messages to take in all.
    public var limit: Int

    /// Describes what can be taken.
    public init(queues: [Queue], rooms: [Int], limit: Int) {
        self.queues = queues
        self.rooms = rooms
        self.limit = limit
    }
}

/// What a claim found.
public struct ClaimResult: Sendable {
    /// The claimed messages, most urgent first.
    public var deliveries: [Delivery]
    /// Whether a list that was asked for may hold more; when `false`, the broker's wake-up announces the next message.
    public var mayHoldMore: Bool

    /// Describes what was found.
    public init(deliveries: [Delivery], mayHoldMore: Bool) {
        self.deliveries = deliveries
        self.mayHoldMore = mayHoldMore
    }
}
