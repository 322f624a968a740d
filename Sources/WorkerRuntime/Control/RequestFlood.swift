/// Keeps a flood of requests from taking the worker's time: so many a second, the rest is dropped and counted.
struct RequestFlood: Sendable {
    /// Requests that are looked at within a second.
    static let limit = 500
    /// Commands that may wait for Redis at the same time.
    static let mostAtOnce = 100

    /// Complaints about bad requests within a second.
    private static let mostComplaints = 5

    private var windowStart = -1.0
    private var seen = 0
    private var complaints = 0
    /// How many were dropped and not told of.
    private(set) var dropped = 0
    /// Commands that wait for Redis.
    var atWork = 0

    /// Whether a request that comes at this moment, in seconds, is to be looked at.
    mutating func admits(at moment: Double) -> Bool {
        if moment - windowStart >= 1 || moment < windowStart {
            windowStart = moment
            seen = 0
            complaints = 0
        }
        seen += 1
        guard seen <= Self.limit, atWork < Self.mostAtOnce else {
            dropped += 1
            return false
        }
        return true
    }

    /// Whether one more complaint about a bad request fits into this second's log.
    mutating func mayComplain() -> Bool {
        complaints += 1
        return complaints <= Self.mostComplaints
    }

    /// How many were dropped, to be told once a second at most.
    mutating func takeDropped() -> Int {
        guard seen == 1 else { return 0 }
        defer { dropped = 0 }
        return dropped
    }
}
