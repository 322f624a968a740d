/// Spaces starts: one token, refilled at a rate (`kombu/utils/limits.py` with capacity 1, as Celery uses it).
struct TokenBucket: Sendable, Hashable {
    /// Tokens per second.
    private(set) var fillRate: Double
    /// The moment, in seconds, from which the next token is there.
    private(set) var nextToken: Double

    /// A bucket that is full.
    init(fillRate: Double) {
        self.fillRate = fillRate
        nextToken = -.infinity
    }

    /// Takes the token if it is there.
    mutating func take(at moment: Double) -> Bool {
        guard moment >= nextToken else { return false }
        nextToken = moment + 1 / fillRate
        return true
    }

    /// Changes the rate; the next token comes no later than a full one takes at the new rate.
    mutating func change(fillRate: Double, at moment: Double) {
        self.fillRate = fillRate
        nextToken = min(nextToken, moment + 1 / fillRate)
    }
}
