package import CeleryMessage
package import Inspection
import RedisClient
import RedisTransport

/// The history over Redis.
///
/// Redis is never searched: what is new since the last question is read, a bounded time after it at the earliest, and
/// questions are answered from what has been read. Long texts are read again for the tasks that are shown.
package actor RedisHistory: HistoryReading {
    let inspector: RedisInspector
    private let readings: SharedReading
    private let now: @Sendable () -> Instant
    private var projection: HistoryProjection
    private var fields: [String: Int] = [:]
    /// The value of the field `forgotten:` with which the forgotten tasks were read.
    private var forgotten = 0

    /// Entries of one stream that are read at a time.
    private static let batch = 32

    /// A reader on the connections of an inspector.
    ///
    /// - Parameters:
    ///   - pause: the least time between two looks for what is new.
    ///   - limit: the most tasks that are held in memory.
    package init(
        _ inspector: RedisInspector,
        pause: Duration = .milliseconds(250),
        limit: Int = 300_000,
        now: @escaping @Sendable () -> Instant = { .now() }
    ) {
        self.inspector = inspector
        readings = SharedReading(pause: pause)
        self.now = now
        projection = HistoryProjection(limit: limit)
    }

    var keys: RedisKeys { inspector.configuration.transport.keys }

    // MARK: Questions

    package func finished(_ query: HistoryQuery) async throws -> HistoryPage {
        try await readOn()
        let found = await Self.rows(query, of: projection, now: now())
        return HistoryPage(tasks: try await whole(found.rows), total: found.total, oldest: found.oldest)
    }

    /// Outside the actor: an order that has to be made takes its time, and others have questions too.
    @concurrent
    private static func rows(
        _ query: HistoryQuery,
        of projection: HistoryProjection,
        now: Instant
    ) async -> (rows: [HistoryProjection.Row], total: Int, oldest: Instant?) {
        projection.rows(query, now: now)
    }

    package func finished(taskID: String) async throws -> FinishedTask? {
        try await readOn()
        guard let row = projection.row(taskID: taskID, now: now()) else { return nil }
        return try await whole([row]).first
    }

    package func counts() async throws -> [String: HistoryCounts] {
        try await readOn()
        var counts: [String: HistoryCounts] = [:]
        for (field, number) in fields {
            guard let (what, queue) = Self.parts(field) else { continue }
            switch what {
            case "completed": counts[queue, default: .init()].completed = number
            case "failed": counts[queue, default: .init()].failed = number
            case "revoked": counts[queue, default: .init()].revoked = number
            case "rejected": counts[queue, default: .init()].rejected = number
            case "ignored": counts[queue, default: .init()].ignored = number
            case "retried": counts[queue, default: .init()].retried = number
            default: break
            }
        }
        for (stream, kept) in zip(projection.streams, projection.kept(now: now())) {
            if stream.isCompleted {
                counts[stream.queue, default: .init()].completedKept = kept
            } else {
                counts[stream.queue, default: .init()].failedKept = kept
            }
        }
        return counts
    }

    package func durations() async throws -> [TaskDurations] {
        let command = RedisCommand("HGETALL", keys.historyDurations)
        let reply = try await inspector.send([command], to: inspector.broker)[0]
        var durations: [[Substring]: TaskDurations] = [:]
        for (field, number) in Self.pairs(reply) {
            let parts = field.split(separator: "\n", omittingEmptySubsequences: false)
            guard parts.count == 3 else { continue }
            let name = Array(parts[..<2])
            var one = durations[name] ?? TaskDurations(queue: String(parts[0]), task: String(parts[1]))
            if parts[2] == "us" {
                one.seconds = Double(number) / 1_000_000
            } else if let bucket = Int(parts[2]), one.counts.indices.contains(bucket) {
                one.counts[bucket] = number
            }
            durations[name] = one
        }
        return durations.values.sorted { ($0.queue, $0.task) < ($1.queue, $1.task) }
    }

    // MARK: Reading on

    private func readOn() async throws { try await readings.readOn { try await self.read() } }

    /// Reads what is new now, however short ago that was done.
    func readNow() async throws { try await readings.readNow { try await self.read() } }

    /// The oldest kept tasks of a queue and outcome that all ended before a moment: the last one's place, and how many.
    func oldest(queue: String, isCompleted: Bool, endedBefore moment: Instant) -> (position: Int, count: Int)? {
        projection.oldest(queue: queue, isCompleted: isCompleted, endedBefore: moment, now: now())
    }

    /// The newest kept end of a task.
    func newest(taskID: String) -> HistoryProjection.Row? { projection.row(taskID: taskID, now: now()) }

    /// What operators have cleaned away and forgotten.
    private func readForgotten() async throws {
        for (field, number) in fields {
            guard let (what, queue) = Self.parts(field) else { continue }
            switch what {
            case "cleaned-completed": projection.clean(queue: queue, isCompleted: true, upTo: number)
            case "cleaned-failed": projection.clean(queue: queue, isCompleted: false, upTo: number)
            default: break
            }
        }
        let count = fields["forgotten:"] ?? 0
        guard count != forgotten else { return }
        let range = RedisCommand("ZRANGE", keys.historyForgotten, "0", "-1")
        let members = try await inspector.send([range], to: inspector.broker)[0].array ?? []
        projection.forget(Set(members.compactMap(\.text)))
        forgotten = count
    }

    private func read() async throws {
        let reply = try await inspector.send([RedisCommand("HGETALL", keys.history)], to: inspector.broker)[0]
        fields = Dictionary(Self.pairs(reply), uniquingKeysWith: max)
        var open: [Int] = []
        var ends: [Int: Int] = [:]
        for (field, number) in fields {
            guard let (what, queue) = Self.parts(field), what == "completed" || what == "failed" else { continue }
            let place = projection.stream(queue: queue, isCompleted: what == "completed")
            // Fewer than before: the counts were lost, and the stream may have begun anew.
            if number < projection.streams[place].seen { projection.restart(place) }
            if number > projection.streams[place].seen { open.append(place) }
            ends[place] = number
        }
        var new: [HistoryProjection.Row] = []
        while !open.isEmpty {
            let now = Array(open.prefix(64))
            let commands = now.map { place in
                let stream = projection.streams[place]
                let key = keys.history(queue: stream.queue, completed: stream.isCompleted)
                return RedisCommand("XRANGE", key, "(" + stream.lastEntry, "+", "COUNT", Self.batch)
            }
            let replies = try await inspector.send(commands, to: inspector.broker)
            open.removeFirst(now.count)
            for (place, reply) in zip(now, replies) {
                let entries = reply.array?.compactMap(HistoryEntry.init) ?? []
                for entry in entries { new += projection.read(entry, of: place) }
                if entries.count == Self.batch {
                    open.append(place)
                } else {
                    projection.saw(ends[place] ?? 0, in: place)
                }
            }
        }
        projection.insert(new)
        try await readForgotten()
        projection.trim(now: self.now())
    }

    /// The tasks with all their texts, as far as they are still there.
    private func whole(_ rows: [HistoryProjection.Row]) async throws -> [FinishedTask] {
        guard !rows.isEmpty else { return [] }
        var names: [String] = []
        var entries: [String: HistoryEntry] = [:]
        var commands: [RedisCommand] = []
        func name(_ row: HistoryProjection.Row) -> String { "\(row.stream) \(row.entry)" }
        for row in rows where !names.contains(name(row)) {
            let stream = projection.streams[row.stream]
            names.append(name(row))
            commands.append(
                RedisCommand(
                    "XRANGE",
                    keys.history(queue: stream.queue, completed: stream.isCompleted),
                    row.entry,
                    row.entry
                )
            )
        }
        let replies = try await inspector.send(commands, to: inspector.broker)
        for (name, reply) in zip(names, replies) { entries[name] = reply.array?.first.flatMap(HistoryEntry.init) }
        return rows.map { row in
            guard let lines = entries[name(row)]?.lines, lines.indices.contains(row.line),
                let task = FinishedTask(line: lines[row.line], queue: row.task.queue), task.id == row.task.id
            else { return row.task }
            return task
        }
    }

    // MARK: Replies

    /// The greatest number that is believed; what is beyond it somebody else put there, and sums of it would overflow.
    static let most = 1 << 53

    private static func pairs(_ reply: RedisReply) -> [(String, Int)] {
        let parts = reply.array ?? []
        return stride(from: 0, to: parts.count - 1, by: 2).compactMap { place in
            guard let field = parts[place].text, let number = parts[place + 1].text.flatMap({ Int($0) }) else {
                return nil
            }
            return (field, min(max(0, number), most))
        }
    }

    private static func parts(_ field: String) -> (what: String, queue: String)? {
        guard let colon = field.firstIndex(of: ":") else { return nil }
        return (String(field[..<colon]), String(field[field.index(after: colon)...]))
    }
}
