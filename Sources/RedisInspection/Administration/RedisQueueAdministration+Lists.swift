import CeleryMessage
package import Inspection
import RedisClient
import RedisTransport

extension RedisQueueAdministration {
    /// The most bytes of messages in one answer.
    private static let bytes = 4 << 20
    /// The most held or parked messages looked at for one answer.
    private static let most = 20_000

    package func jobs(in queue: String, state: JobState, range: Range<Int>) async throws -> JobPage {
        let count = min(range.count, QueueAdministrationLimits.range)
        return switch state {
        case .waiting: try await waiting(queue, range.lowerBound, count)
        case .active: try await active(queue, range.lowerBound, count)
        case .delayed: try await delayed(queue, range.lowerBound, count)
        case .completed, .failed: try await finished(queue, state, range.lowerBound, count)
        }
    }

    /// Messages of a queue wherever they lie, the first ones of each place.
    func messages(in queue: String, most: Int) async throws -> [JobMessage] {
        let waiting = try await waitingMessages(queue, 0, most).messages
        let held = try await held(queue, 0, most).messages
        return try await waiting + held + parkedMessages(queue, 0, most).messages
    }

    private func waiting(_ queue: String, _ start: Int, _ count: Int) async throws -> JobPage {
        let (messages, total) = try await waitingMessages(queue, start, count)
        return JobPage(jobs: messages.map { summary(of: $0, in: queue) }, total: total)
    }

    private func waitingMessages(
        _ queue: String,
        _ start: Int,
        _ count: Int
    ) async throws -> (messages: [JobMessage], total: Int) {
        let lists = lists(of: queue)
        let reply = try await run(Scripts.listWaiting, keys: lists, RedisArguments(start, count, Self.bytes))
        guard let parts = reply.array, let total = parts.first?.int else {
            throw InspectionError.unexpected(Scripts.listWaiting)
        }
        var messages: [JobMessage] = []
        for place in stride(from: 1, to: parts.count - 1, by: 2) {
            guard let number = parts[place].int, lists.indices.contains(number - 1) else { continue }
            messages.append(
                JobMessage(
                    place: .waiting(list: lists[number - 1], ahead: start + messages.count),
                    item: parts[place + 1].bytes ?? []
                )
            )
        }
        return (messages, total)
    }

    // MARK: Held

    /// Held messages of a queue; with an id that task's only.
    func held(_ queue: String, _ start: Int, _ count: Int, id: String = "") async throws -> (
        messages: [JobMessage], total: Int?
    ) {
        let arguments = RedisArguments(queue, start, count, Self.most, Self.bytes, id)
        let reply = try await run(Scripts.listHeld, keys: [keys.unacked], arguments)
        guard let parts = reply.array, parts.count >= 2, let total = parts[1].int else {
            throw InspectionError.unexpected(Scripts.listHeld)
        }
        let messages = stride(from: 2, to: parts.count - 1, by: 2).map { place in
            JobMessage(
                place: .held(tag: parts[place].text ?? ""),
                item: JobMessage.item(ofHeld: parts[place + 1].bytes ?? [])
            )
        }
        return (messages, parts[0].int == 1 ? total : nil)
    }

    private func active(_ queue: String, _ start: Int, _ count: Int) async throws -> JobPage {
        let (messages, total) = try await held(queue, start, count)
        var jobs = messages.map { summary(of: $0, in: queue) }
        let records = try await records(of: jobs.map(\.id))
        let running = workers.lastKnown?.tasks ?? [:]
        for (place, record) in zip(jobs.indices, records) {
            jobs[place].add(record)
            if let task = running[jobs[place].id] {
                jobs[place].worker = task.worker
                jobs[place].startedAt = task.startedAt ?? jobs[place].startedAt
            }
        }
        return JobPage(jobs: jobs, total: total)
    }

    /// The records of tasks, in order.
    func records(of ids: [String]) async throws -> [ResultRecord?] {
        guard let results = inspector.results, !ids.isEmpty else { return ids.map { _ in nil } }
        let commands = ids.map { RedisCommand("GET", keys.result(taskID: $0)) }
        return try await inspector.send(commands, to: results).map { reply in
            // A record that nobody can read tells nothing.
            reply.bytes.flatMap {
                try? ResultRecord(
                    decoding: $0,
                    codecs: options.codecs,
                    serializer: options.resultSerializer,
                    limits: options.limits
                )
            }
        }
    }

    // MARK: Parked

    private func delayed(_ queue: String, _ start: Int, _ count: Int) async throws -> JobPage {
        let (messages, total) = try await parkedMessages(queue, start, count)
        return JobPage(jobs: messages.map { summary(of: $0, in: queue) }, total: total)
    }

    private func parkedMessages(
        _ queue: String,
        _ start: Int,
        _ count: Int
    ) async throws -> (messages: [JobMessage], total: Int?) {
        var arguments = RedisArguments(start, count, Self.most, Self.bytes)
        arguments.append(contentsOf: lists(of: queue))
        let reply = try await run(Scripts.listParked, keys: [keys.parked, keys.parkedMessages], arguments)
        guard let parts = reply.array, parts.count >= 2, let total = parts[1].int else {
            throw InspectionError.unexpected(Scripts.listParked)
        }
        let messages = stride(from: 2, to: parts.count - 2, by: 3).map { place in
            JobMessage(
                place: .parked(
                    member: parts[place].text ?? "",
                    until: Instant(seconds: parts[place + 1].double ?? 0)
                ),
                item: JobMessage.item(ofParked: parts[place + 2].bytes ?? [])
            )
        }
        return (messages, parts[0].int == 1 ? total : nil)
    }

    // MARK: Finished

    private func finished(_ queue: String, _ state: JobState, _ start: Int, _ count: Int) async throws -> JobPage {
        var query = HistoryQuery()
        query.queue = queue
        query.states =
            state == .completed ? FinishedTask.completedStates : [.failure, .revoked, .rejected]
        query.offset = start
        query.limit = count
        let page = try await history.finished(query)
        return JobPage(jobs: page.tasks.map(JobSummary.init), total: page.total)
    }
}

extension JobSummary {
    /// A task that has ended.
    init(_ task: FinishedTask) {
        self.init(id: task.id, task: task.name, queue: task.queue, state: task.isCompleted ? .completed : .failed)
        attempts = task.attempts
        arguments = [task.arguments, task.keywords].filter { $0 != "[]" && $0 != "{}" }.joined(separator: " ")
            .shortened(to: 500)
        tenant = task.tenant
        worker = task.worker
        startedAt = task.startedAt
        finishedAt = task.finishedAt
        runtime = task.runtime.map { $0 / .seconds(1) }
        progress = task.progress
        failedReason = task.failure.map { $0.message.isEmpty ? $0.type : "\($0.type): \($0.message)" }
        if failedReason == nil, state == .failed { failedReason = task.state.rawValue }
        result = task.result?.shortened(to: 500)
    }

    /// What a task's record tells of it while it runs.
    mutating func add(_ record: ResultRecord?) {
        guard let record, !record.status.isReady, let value = try? record.value() else { return }
        if record.status == .started { worker = value["hostname"]?.string }
        if let current = value["current"]?.number {
            progress = JobProgress(
                current: current,
                total: value["total"]?.number ?? 100,
                status: value["status"]?.string
            )
        }
    }
}
