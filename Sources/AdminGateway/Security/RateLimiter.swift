import Synchronization

/// Counts what somebody does, and says when it is too much: a bucket per name that refills evenly.
///
/// How much a bucket holds is said each time, because it may change while the gateway runs.
final class RateLimiter: Sendable {
    private struct Bucket {
        var left: Double
        var at: ContinuousClock.Instant
    }

    /// How many names are remembered; the buckets of those who did nothing for a minute are full and need no memory.
    private static let most = 10_000

    private let now: @Sendable () -> ContinuousClock.Instant
    private let buckets = Mutex<[String: Bucket]>([:])

    init(now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }) { self.now = now }

    /// How many names are remembered.
    var size: Int { buckets.withLock { $0.count } }

    /// Whether the name has something left.
    func mayGoOn(_ name: String, perMinute: Int) -> Bool {
        buckets.withLock { left($0[name], Self.size(perMinute)) >= 1 }
    }

    /// Counts one for the name.
    func count(_ name: String, perMinute: Int) { _ = take(name, perMinute: perMinute) }

    /// Takes some at once, by default one; answers after how many seconds there are so many again, or `nil` when there were.
    ///
    /// More than a minute's are never there.
    @discardableResult
    func take(_ name: String, _ count: Int = 1, perMinute: Int) -> Int? {
        let wanted = Double(count)
        let perMinute = Self.size(perMinute)
        return buckets.withLock { buckets in
            let left = left(buckets[name], perMinute)
            guard left >= wanted else { return Int(((wanted - left) * 60 / perMinute).rounded(.up)) }
            if buckets.count >= Self.most, buckets[name] == nil { sweep(&buckets, perMinute) }
            buckets[name] = Bucket(left: left - wanted, at: now())
            return nil
        }
    }

    private static func size(_ perMinute: Int) -> Double { Double(max(1, perMinute)) }

    private func left(_ bucket: Bucket?, _ perMinute: Double) -> Double {
        guard let bucket else { return perMinute }
        let (seconds, attoseconds) = (now() - bucket.at).components
        return min(perMinute, bucket.left + (Double(seconds) + Double(attoseconds) * 1e-18) * perMinute / 60)
    }

    /// Forgets full buckets; where none is full, all of them: nobody can make the table grow.
    private func sweep(_ buckets: inout [String: Bucket], _ perMinute: Double) {
        buckets = buckets.filter { left($0.value, perMinute) < perMinute }
        if buckets.count >= Self.most { buckets = [:] }
    }
}
