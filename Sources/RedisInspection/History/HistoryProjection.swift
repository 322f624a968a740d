import CeleryMessage
import Inspection

/// The finished tasks of all queues as they were read so far, without their long texts, sorted by when they ended.
struct HistoryProjection: Sendable {
    /// A stream of finished tasks: a queue and an outcome.
    struct Stream: Sendable {
        let queue: String
        let isCompleted: Bool
        /// The last entry that was read.
        var lastEntry = "0-0"
        /// How many tasks the stream had ever seen with it.
        var total = 0
        /// How many had ended when it was last read to its end.
        var seen = 0
        /// How many tasks it keeps.
        var keep = Int.max
        /// For how long.
        var age = Duration.seconds(1 << 40)
        /// The last task that was cleaned away.
        var cleaned = 0
        /// Changes when the stream begins anew, and with that everything read of it is void.
        var generation = 0
    }

    /// One finished task and where it stands.
    final class Row: Sendable {
        let task: FinishedTask
        let stream: Int
        let generation: Int
        /// The number of the task in its stream, from 1.
        let position: Int
        /// The entry that holds it.
        let entry: String
        /// Its line in that entry.
        let line: Int

        init(_ task: FinishedTask, stream: Int, generation: Int, position: Int, entry: String, line: Int) {
            self.task = task
            self.stream = stream
            self.generation = generation
            self.position = position
            self.entry = entry
            self.line = line
        }
    }

    /// The most rows that are held; the oldest go first.
    let limit: Int
    private(set) var streams: [Stream] = []
    private var places: [String: Int] = [:]
    private var rows: [Row] = []
    private var names: [String: String] = [:]
    /// Single tasks that were forgotten, by ``member(queue:isCompleted:_:)``.
    private var forgotten: Set<String> = []

    init(limit: Int) {
        self.limit = limit
    }

    /// The place of a stream, which is made where it is not known.
    mutating func stream(queue: String, isCompleted: Bool) -> Int {
        let name = (isCompleted ? "c" : "f") + queue
        if let place = places[name] { return place }
        streams.append(Stream(queue: queue, isCompleted: isCompleted))
        places[name] = streams.count - 1
        return streams.count - 1
    }

    /// Forgets what was read of a stream, to read it from its beginning.
    mutating func restart(_ place: Int) {
        streams[place].generation += 1
        streams[place].cleaned = 0
        streams[place].lastEntry = "0-0"
        streams[place].total = 0
        streams[place].seen = 0
    }

    /// Notes how many tasks had ended when a stream was read to its end.
    mutating func saw(_ count: Int, in place: Int) { streams[place].seen = count }

    // MARK: Reading on

    /// Rows of an entry of a stream, not yet among the others.
    mutating func read(_ entry: HistoryEntry, of place: Int) -> [Row] {
        streams[place].lastEntry = entry.id
        streams[place].total = entry.total
        streams[place].keep = entry.keep
        streams[place].age = entry.age
        let stream = streams[place]
        let lines = entry.lines
        return lines.enumerated().compactMap { number, line in
            guard var task = FinishedTask(line: line, queue: stream.queue) else { return nil }
            shorten(&task)
            return Row(
                task,
                stream: place,
                generation: stream.generation,
                position: entry.total - (lines.count - 1 - number),
                entry: entry.id,
                line: number
            )
        }
    }

    /// Drops what only a page of its own needs, and shares what many tasks have in common.
    private mutating func shorten(_ task: inout FinishedTask) {
        task.result = nil
        task.failure?.traceback = nil
        task.earlierAttempts = []
        task.name = shared(task.name)
        task.worker = shared(task.worker)
        task.tenant = task.tenant.map { shared($0) }
    }

    private mutating func shared(_ text: String) -> String {
        if let known = names[text] { return known }
        if names.count >= 10_000 { names.removeAll(keepingCapacity: true) }
        names[text] = text
        return text
    }

    /// Puts new rows in their places.
    mutating func insert(_ new: [Row]) {
        guard !new.isEmpty else { return }
        let new = new.filter { !isForgotten($0) }
        guard !new.isEmpty else { return }
        let sorted = new.sorted { $0.task.finishedAt < $1.task.finishedAt }
        // Batches of several workers overlap a little; everything older stays where it is.
        let overlap = rows.lastIndex { $0.task.finishedAt <= sorted[0].task.finishedAt }.map { $0 + 1 } ?? 0
        guard overlap < rows.count else {
            rows += sorted
            return
        }
        let tail = Array(rows[overlap...])
        rows.removeSubrange(overlap...)
        rows += (tail + sorted).sorted { $0.task.finishedAt < $1.task.finishedAt }
    }

    /// Lets go of rows that are kept no longer.
    mutating func trim(now: Instant) {
        let bounds = bounds(now)
        rows.removeAll { !bounds[$0.stream].keep($0) }
        if rows.count > limit { rows.removeFirst(rows.count - limit) }
    }

    // MARK: Forgetting

    /// Names a task in the set of those that were forgotten.
    static func member(queue: String, isCompleted: Bool, _ position: Int) -> String {
        "\(isCompleted ? "completed" : "failed")\n\(queue)\n\(position)"
    }

    /// Notes that a stream's tasks up to one were cleaned away.
    mutating func clean(queue: String, isCompleted: Bool, upTo position: Int) {
        let place = stream(queue: queue, isCompleted: isCompleted)
        streams[place].cleaned = position
    }

    /// Notes which single tasks were forgotten.
    mutating func forget(_ members: Set<String>) {
        forgotten = members
        rows = rows.filter { !isForgotten($0) }
    }

    private func isForgotten(_ row: Row) -> Bool {
        guard !forgotten.isEmpty else { return false }
        let stream = streams[row.stream]
        return forgotten.contains(
            Self.member(queue: stream.queue, isCompleted: stream.isCompleted, row.position)
        )
    }

    /// The oldest kept tasks of a stream that all ended before a moment: the last one's place, and how many.
    func oldest(
        queue: String,
        isCompleted: Bool,
        endedBefore moment: Instant,
        now: Instant
    ) -> (position: Int, count: Int)? {
        guard let place = places[(isCompleted ? "c" : "f") + queue] else { return nil }
        let bounds = bounds(now)
        var last: Int?
        var count = 0
        let kept = rows.filter { $0.stream == place && bounds[place].keep($0) }.sorted { $0.position < $1.position }
        for row in kept {
            guard row.task.finishedAt < moment else { break }
            last = row.position
            count += 1
        }
        return last.map { ($0, count) }
    }

    // MARK: Asking

    /// What of a stream is still kept at a moment.
    private struct Bound {
        let generation: Int
        let firstPosition: Int
        let oldest: Instant

        @inline(__always)
        func keep(_ row: Row) -> Bool {
            row.position >= firstPosition && row.generation == generation && row.task.finishedAt >= oldest
        }
    }

    private func bounds(_ now: Instant) -> [Bound] {
        streams.map { stream in
            Bound(
                generation: stream.generation,
                firstPosition: max(
                    stream.cleaned + 1,
                    stream.keep == .max ? 0 : stream.total - stream.keep + 1
                ),
                oldest: now - stream.age
            )
        }
    }

    /// The rows that a query is about, how many match in all, and when the oldest one ended.
    func rows(_ query: HistoryQuery, now: Instant) -> (rows: [Row], total: Int, oldest: Instant?) {
        let bounds = bounds(now)
        let oldest = rows.first { bounds[$0.stream].keep($0) }?.task.finishedAt
        guard query.order == .finished else {
            let matching = rows.lazy.filter { bounds[$0.stream].keep($0) && query.matches($0.task) }
            let (most, isBeyond) = query.offset.addingReportingOverflow(query.limit)
            let first = matching.first(isBeyond ? .max : most) { one, other in
                query.isNewestFirst
                    ? query.order.precedes(other.task, one.task) : query.order.precedes(one.task, other.task)
            }
            return (Array(first.found.dropFirst(query.offset)), first.count, oldest)
        }
        var found: [Row] = []
        var total = 0
        func look(_ row: Row) {
            guard bounds[row.stream].keep(row), query.matches(row.task) else { return }
            total += 1
            if total > query.offset, found.count < query.limit { found.append(row) }
        }
        if query.isNewestFirst {
            for row in rows.reversed() { look(row) }
        } else {
            for row in rows { look(row) }
        }
        return (found, total, oldest)
    }

    /// The newest end of a task.
    func row(taskID: String, now: Instant) -> Row? {
        let bounds = bounds(now)
        return rows.last { $0.task.id == taskID && bounds[$0.stream].keep($0) }
    }

    /// How many rows of each stream are kept.
    func kept(now: Instant) -> [Int] {
        let bounds = bounds(now)
        var counts = [Int](repeating: 0, count: streams.count)
        for row in rows where bounds[row.stream].keep(row) { counts[row.stream] += 1 }
        return counts
    }
}

extension Sequence {
    /// The first of all elements in an order, and how many there are: for a page of many, much less work than to sort them.
    func first(_ most: Int, by precedes: (Element, Element) -> Bool) -> (found: [Element], count: Int) {
        var (found, count): ([Element], Int) = ([], 0)
        // Beyond this one nothing is among the first.
        var last: Element?
        for element in self {
            count += 1
            if most <= 0 { continue }
            if let last, !precedes(element, last) { continue }
            found.append(element)
            // Sorted once in so many elements, not with each.
            guard found.count / 2 >= most, found.count >= 64 else { continue }
            found.sort(by: precedes)
            found.removeLast(found.count - most)
            last = found.last
        }
        found.sort(by: precedes)
        return (Array(found.prefix(Swift.max(0, most))), count)
    }
}
