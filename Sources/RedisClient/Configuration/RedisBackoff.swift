/// How long to wait before the next attempt to connect: doubling, with a ceiling, spread by jitter.
public struct RedisBackoff: Sendable, Hashable {
    /// The wait after the first failure, before jitter.
    public var first: Duration
    /// The longest wait.
    public var ceiling: Duration
    /// The part of each wait that is random, from 0 (none) to 1 (all of it).
    ///
    /// Without it a fleet that lost its server at one moment would come back at one moment, again and again.
    public var jitter: Double

    /// Waits of 50 ms, 100 ms, 200 ms … up to 5 s, half of each at random.
    public init(first: Duration = .milliseconds(50), ceiling: Duration = .seconds(5), jitter: Double = 0.5) {
        self.first = first
        self.ceiling = ceiling
        self.jitter = min(max(jitter, 0), 1)
    }

    /// The wait after this many failures in a row (from 1); `random` is in 0..<1.
    public func delay(afterFailures failures: Int, random: Double) -> Duration {
        // 2^20 first waits exceed any sensible ceiling, and the shift stays far from overflowing.
        let doubled = first * (1 << min(max(failures - 1, 0), 20))
        return min(doubled, ceiling) * (1 - jitter * random)
    }
}
