import Synchronization

/// Counts what somebody does, and says when it is too much: a bucket per name that refills evenly.
final class RateLimiter: Sendable {
    private struct Bucket {
        var left: Double
        var at: ContinuousClock.Instant
    }

    /// How many names are remembered; the buckets of those who did nothing for a minute are full and need no memory.
    private static let most = 10_000

    private let perMinute: Double
    private let now: @Sendable () -> ContinuousClock.Instant
    private let buckets = Mutex<[String: Bucket]>([:])

    init(perMinute: Int, now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }) {
        self.perMinute = Double(max(1, perMinute))
        self.now = now
    }

    /// How many names are remembered.
    var size: Int { buckets.withLock { $0.count } }

    /// Whether the name has something left.
    func mayGoOn(_ name: String) -> Bool { buckets.withLock { left($0[name]) >= 1 } }

    /// Counts one for the name.
    func count(_ name: String) { _ = take(name) }

    /// Takes some at once, by default one; answers after how many seconds there are so many again, or `nil` when there were.
    ///
    /// More than a minute's are never there.
    @discardableResult
    func take(_ name: String, _ count: Int = 1) -> Int? {
        let wanted = Double(count)
        return buckets.withLock { buckets in
            let left = left(buckets[name])
            guard left >= wanted else { return Int(((wanted - left) * 60 / perMinute).rounded(.up)) }
            if buckets.count >= Self.most, buckets[name] == nil { sweep(&buckets) }
            buckets[name] = Bucket(left: left - wanted, at: now())
            return nil
        }
    }

    private func left(_ bucket: Bucket?) -> Double {
        guard let bucket else { return perMinute }
        let (seconds, attoseconds) = (now() - bucket.at).components
        return min(perMinute, bucket.left + (Double(seconds) + Double(attoseconds) * 1e-18) * perMinute / 60)
    }

    /// Forgets full buckets; where none is full, all of them: nobody can make the table grow.
    private func sweep(_ buckets: inout [String: Bucket]) {
        buckets = buckets.filter { left($0.value) < perMinute }
        if buckets.count >= Self.most { buckets = [:] }
    }
}
