import CeleryMessage
import RedisClient
import Transport

/// What a batch of commits leaves in the history, brought together so that a stream gets one entry for all.
struct HistoryBatch {
    /// The tasks of one queue and outcome.
    private struct Group {
        var queue: String
        var isCompleted: Bool
        var bound: HistoryBound
        var places: [Int]
        var ends: [TaskEnd]
    }

    private struct Count {
        var field: String
        var places: [Int]
    }

    /// The runs of one task from one queue.
    private struct Runs {
        var queue: String
        var task: String
        var buckets: [Int: Int] = [:]
        var microseconds: Int64 = 0
    }

    private var groups: [Group] = []
    private var counts: [Count] = []
    private var runs: [Runs] = []
    private let total: Int

    /// Whether there is nothing to tell.
    var isEmpty: Bool { groups.isEmpty && counts.isEmpty }

    init(_ commits: [Commit]) {
        total = commits.count
        for (index, commit) in commits.enumerated() {
            switch commit.history {
            case nil: break
            case .finished(let end)?: add(end, place: index + 1)
            case .retried(let queue)?: count("retried:" + queue, place: index + 1)
            }
        }
    }

    private mutating func add(_ end: TaskEnd, place: Int) {
        if let group = groups.firstIndex(where: { $0.isCompleted == end.isCompleted && $0.queue == end.queue }) {
            groups[group].places.append(place)
            groups[group].ends.append(end)
        } else {
            var group = Group(
                queue: end.queue,
                isCompleted: end.isCompleted,
                bound: end.bound,
                places: [place],
                ends: [end]
            )
            group.places.reserveCapacity(total)
            group.ends.reserveCapacity(total)
            groups.append(group)
        }
        switch end.state {
        case .ignored: count("ignored:" + end.queue, place: place)
        case .revoked: count("revoked:" + end.queue, place: place)
        case .rejected: count("rejected:" + end.queue, place: place)
        default: break
        }
        if let runtime = end.run.runtime { add(runtime, of: end) }
    }

    private mutating func count(_ field: String, place: Int) {
        if let known = counts.firstIndex(where: { $0.field == field }) {
            counts[known].places.append(place)
        } else {
            counts.append(Count(field: field, places: [place]))
        }
    }

    private mutating func add(_ runtime: Duration, of end: TaskEnd) {
        let known = runs.firstIndex { $0.task == end.name && $0.queue == end.queue }
        let place = known ?? runs.count
        if known == nil { runs.append(Runs(queue: end.queue, task: end.name)) }
        runs[place].buckets[HistoryDurations.bucket(of: runtime), default: 0] += 1
        runs[place].microseconds += HistoryDurations.microseconds(runtime)
    }

    /// Appends what `history.lua` takes.
    func append(to arguments: inout RedisArguments, keys: RedisKeys) {
        arguments.append(groups.count)
        var lines: [UInt8] = []
        for group in groups {
            arguments.append(keys.history(queue: group.queue, completed: group.isCompleted))
            arguments.append((group.isCompleted ? "completed:" : "failed:") + group.queue)
            arguments.append(group.bound.count)
            arguments.append(group.bound.seconds)
            arguments.append(group.ends.count)
            arguments.append(places(group.places))
            // What would be dropped at once is not written at all.
            let kept = group.ends.suffix(group.bound.count)
            lines.removeAll(keepingCapacity: true)
            lines.reserveCapacity(kept.count * 256)
            for (place, end) in kept.enumerated() {
                if place > 0 { lines.append(UInt8(ascii: "\n")) }
                end.writer.write(end, into: &lines)
            }
            arguments.append(lines)
        }
        arguments.append(counts.count)
        for count in counts {
            arguments.append(count.field)
            arguments.append(count.places.count)
            arguments.append(places(count.places))
        }
        arguments.append(runs.reduce(0) { $0 + $1.buckets.count + 1 })
        for runs in runs {
            for (bucket, count) in runs.buckets {
                arguments.append(HistoryDurations.field(queue: runs.queue, task: runs.task, bucket: bucket))
                arguments.append(count)
            }
            arguments.append(HistoryDurations.sumField(queue: runs.queue, task: runs.task))
            arguments.append(runs.microseconds)
        }
    }

    /// The places of commits in the batch, or nothing for all of them.
    private func places(_ places: [Int]) -> String {
        places.count == total ? "" : places.map(String.init).joined(separator: " ")
    }
}
