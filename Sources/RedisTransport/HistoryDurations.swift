/// How runtimes are counted: fields of the hash at ``RedisKeys/historyDurations``.
///
/// A field is the queue, a line break, the task's name, a line break, and the bucket's number, or `us` for the microseconds
/// of all runs together.
package enum HistoryDurations {
    /// The upper bounds of the buckets in microseconds; what takes longer is in one more.
    package static let bounds: [Int64] = [
        1_000, 5_000, 10_000, 50_000, 100_000, 500_000, 1_000_000, 5_000_000, 10_000_000, 30_000_000, 60_000_000,
        300_000_000, 900_000_000, 3_600_000_000,
    ]

    static func microseconds(_ runtime: Duration) -> Int64 {
        let (seconds, attoseconds) = runtime.components
        return seconds &* 1_000_000 &+ attoseconds / 1_000_000_000_000
    }

    static func bucket(of runtime: Duration) -> Int {
        let microseconds = microseconds(runtime)
        return bounds.firstIndex { microseconds <= $0 } ?? bounds.count
    }

    static func field(queue: String, task: String, bucket: Int) -> String { "\(queue)\n\(task)\n\(bucket)" }
    static func sumField(queue: String, task: String) -> String { "\(queue)\n\(task)\nus" }
}
