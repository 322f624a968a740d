import CeleryMessage
import Inspection
import Synchronization

/// How many tasks ended in each minute of the last hour, by queue.
///
/// Workers keep counters that only grow; what they grew by between two looks belongs to the minute of the second. What
/// ended before the first look is taken from the history, as far as that still has it.
final class Activity: Sendable {
    /// Ends in one minute.
    struct Ends: Sendable, Hashable {
        var completed = 0
        var failed = 0
    }

    /// How many minutes are remembered.
    static let minutes = 60
    /// More records than these are not read to fill the first hour.
    private static let mostRecords = 20_000

    fileprivate struct State {
        var byMinute: [Int64: [String: Ends]] = [:]
        var last: [String: HistoryCounts]?
    }

    private let now: @Sendable () -> Instant
    private let state = Mutex(State())

    init(now: @escaping @Sendable () -> Instant = { .now() }) { self.now = now }

    /// Looks at the counters.
    func look(at history: any HistoryReading) async throws {
        let isFirst = state.withLock { $0.last == nil }
        var past: [FinishedTask] = []
        if isFirst {
            var query = HistoryQuery()
            query.finishedAfter = now() - .seconds(60 * Self.minutes)
            query.limit = Self.mostRecords
            past = try await history.finished(query).tasks
        }
        let counts = try await history.counts()
        let minute = Self.minute(now())
        state.withLock { state in
            if state.last == nil {
                for task in past { state.count(task) }
            } else {
                state.count(counts, in: minute)
            }
            state.last = counts
            state.byMinute = state.byMinute.filter { $0.key > minute - Int64(Self.minutes) }
        }
    }

    /// The minutes of a queue, or of all, oldest first; the last one has only begun.
    func minutes(of queue: String?) -> [Ends] {
        let last = Self.minute(now())
        return state.withLock { state in
            (0..<Int64(Self.minutes)).reversed().map { back in
                let minute = state.byMinute[last - back] ?? [:]
                guard let queue else {
                    return minute.values.reduce(into: Ends()) { sum, ends in
                        sum.completed += ends.completed
                        sum.failed += ends.failed
                    }
                }
                return minute[queue] ?? Ends()
            }
        }
    }

    /// How many end in a minute, by the last sixty seconds: the share of the minute before that still belongs to them, and
    /// the minute that has begun.
    func perMinute(_ minutes: [Ends]) -> Double {
        guard minutes.count >= 2 else { return 0 }
        let into = now().seconds / 60
        let begun = into - into.rounded(.down)
        let (before, present) = (minutes[minutes.count - 2], minutes[minutes.count - 1])
        return Double(before.completed + before.failed) * (1 - begun) + Double(present.completed + present.failed)
    }

    fileprivate static func minute(_ moment: Instant) -> Int64 { moment.microseconds / 60_000_000 }
}

extension Activity.State {
    fileprivate mutating func count(_ task: FinishedTask) {
        let minute = Activity.minute(task.finishedAt)
        if task.isCompleted {
            byMinute[minute, default: [:]][task.queue, default: Activity.Ends()].completed += 1
        } else {
            byMinute[minute, default: [:]][task.queue, default: Activity.Ends()].failed += 1
        }
    }

    fileprivate mutating func count(_ counts: [String: HistoryCounts], in minute: Int64) {
        for (queue, count) in counts {
            let before = last?[queue] ?? HistoryCounts()
            // Counters that shrank began anew: the server lost them.
            let completed = count.completed >= before.completed ? count.completed - before.completed : count.completed
            let failed = count.failed >= before.failed ? count.failed - before.failed : count.failed
            guard completed > 0 || failed > 0 else { continue }
            byMinute[minute, default: [:]][queue, default: Activity.Ends()].completed += completed
            byMinute[minute, default: [:]][queue, default: Activity.Ends()].failed += failed
        }
    }
}
