import CeleryMessage

/// The ids of tasks that must not start, bounded in number and time as Celery's are (`celery/worker/state.py`).
struct RevokedTasks: Sendable {
    private var expiry: [String: Instant] = [:]
    private var order: [(id: String, expires: Instant)] = []
    private var first = 0
    private let limit: Int
    private let timeToLive: Duration

    /// How many entries are kept, those that a later insert of the same id replaced included.
    var entryCount: Int { order.count - first }

    init(limit: Int = 50_000, timeToLive: Duration = .seconds(10_800)) {
        self.limit = limit
        self.timeToLive = timeToLive
    }

    func contains(_ id: String, now: Instant) -> Bool {
        guard !expiry.isEmpty, let expires = expiry[id] else { return false }
        return expires > now
    }

    mutating func insert(_ id: String, now: Instant) {
        let expires = now + timeToLive
        expiry[id] = expires
        order.append((id, expires))
        while first < order.count, expiry.count > limit || order[first].expires <= now {
            // A later insert of the same id has its own entry further on.
            if expiry[order[first].id] == order[first].expires { expiry[order[first].id] = nil }
            first += 1
        }
        if order.count - first > 2 * limit {
            // One id was inserted again and again; only its last entry counts.
            order = order[first...].filter { expiry[$0.id] == $0.expires }
            first = 0
        }
        if first > 1024, first * 2 > order.count {
            order.removeFirst(first)
            first = 0
        }
    }
}
