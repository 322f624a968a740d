import NIOCore

extension TimeAmount {
    /// A duration as NIO counts time, at most a century, which keeps sums of deadlines far from overflowing.
    init(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        let century: Int64 = 100 * 366 * 86_400
        self = .nanoseconds(min(max(seconds, -century), century) * 1_000_000_000 + attoseconds / 1_000_000_000)
    }
}
