/// The logical clock that orders what the processes of a deployment say (`kombu/clocks.py`).
struct LamportClock: Sendable {
    /// The present value.
    private(set) var value: Int64 = 0

    /// Ticks, and answers the new value: for each message that is sent, and for each request that came.
    @discardableResult
    mutating func forward() -> Int64 {
        value = min(value, .max - 1) + 1
        return value
    }

    /// Goes ahead of another process's clock.
    mutating func adjust(to other: Int64) {
        // A clock that somebody set to the end of all numbers must not carry the others along.
        guard other < 1 << 53 else { return }
        value = max(value, other) + 1
    }
}
