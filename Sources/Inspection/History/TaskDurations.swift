/// How long the runs of one task from one queue took: a histogram that only grows.
public struct TaskDurations: Sendable, Hashable {
    /// The upper bounds of the buckets in seconds; runs beyond the last one are in a bucket of their own.
    public static let bounds = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 3600]

    /// The queue.
    public var queue: String
    /// The task's name.
    public var task: String
    /// How many runs were in each bucket, not added up: one more than there are ``bounds``.
    public var counts: [Int]
    /// The seconds of all runs together.
    public var seconds: Double

    /// A histogram.
    public init(
        queue: String,
        task: String,
        counts: [Int] = Array(repeating: 0, count: bounds.count + 1),
        seconds: Double = 0
    ) {
        self.queue = queue
        self.task = task
        self.counts = counts
        self.seconds = seconds
    }

    /// Which bucket a run belongs to.
    public static func bucket(of runtime: Duration) -> Int {
        let seconds = runtime / .seconds(1)
        return bounds.firstIndex { seconds <= $0 } ?? bounds.count
    }

    /// How many runs there were.
    public var count: Int { counts.reduce(0, +) }
}
