import CeleryMessage
package import Inspection
import RedisClient
import RedisTransport
import Transport

extension RedisQueueAdministration {
    /// How many waiting messages are looked at for somebody who only looks.
    private static let looked = 20_000
    /// How many waiting messages one script looks at: less than a millisecond.
    private static let part = 200

    package func job(_ id: String, in queue: String) async throws -> JobDetail? {
        let message = try await find(id, in: queue, most: Self.looked)
        let record = try await records(of: [id]).first ?? nil
        let ended = try await history.finished(taskID: id)
        if let message {
            var detail = JobDetail(summary(of: message, in: queue))
            detail.summary.id = id
            detail.add(message, decoded(message.item), options)
            if let record { detail.add(record, options) }
            if let task = workers.lastKnown?.tasks[id] {
                detail.summary.worker = task.worker
                detail.summary.startedAt = task.startedAt
            }
            return detail
        }
        let letter = try await letters.letter(id: id)
        guard var detail = Self.ended(id, queue, ended ?? letter?.task, record) else { return nil }
        if let letter { detail.add(nil, decoded(letter.item), options) }
        if let record { detail.add(record, options) }
        detail.isRetryable = detail.summary.state == .failed && letter != nil
        return detail
    }

    /// A job that has no message any more; `nil` where it is of another queue, or nothing is known of it.
    private static func ended(
        _ id: String,
        _ queue: String,
        _ task: FinishedTask?,
        _ record: ResultRecord?
    ) -> JobDetail? {
        if let task {
            guard task.queue == queue else { return nil }
            return JobDetail(task)
        }
        guard let record, record.extended?.queue.map({ $0 == queue }) ?? true else { return nil }
        // Workers of Celery leave no history: the record alone tells.
        let state: JobState = record.status.isReady ? (record.status == .success ? .completed : .failed) : .active
        var summary = JobSummary(id: id, task: record.extended?.name, queue: queue, state: state)
        summary.attempts = attempts(retries: record.extended?.retries ?? 0)
        summary.worker = record.extended?.worker
        return JobDetail(summary)
    }

    // MARK: Finding

    /// A task's message, wherever in a queue it lies.
    ///
    /// - Parameter most: how many waiting messages are looked at. Lists are read from the end at which producers push: what
    ///   workers take meanwhile makes nothing slip through.
    func find(_ id: String, in queue: String, most: Int) async throws -> JobMessage? {
        if let parked = try await findParked(id, in: queue) { return parked }
        if let held = try await held(queue, 0, 1, id: id).messages.first { return held }
        var left = most
        var ahead = 0
        for list in lists(of: queue) {
            var start = 0
            var length = 0
            repeat {
                let arguments = RedisArguments(id, start, Self.part)
                let reply = try await run(Scripts.findWaiting, keys: [list], arguments)
                guard let parts = reply.array, let count = parts.first?.int else {
                    throw InspectionError.unexpected(Scripts.findWaiting)
                }
                if parts.count == 3, let item = parts[1].bytes, let inFront = parts[2].int {
                    return JobMessage(place: .waiting(list: list, ahead: ahead + inFront), item: item)
                }
                length = count
                start += Self.part
                left -= Self.part
            } while start < length && left > 0
            ahead += length
        }
        // It may have been taken by a worker while its queue was looked through.
        return try await held(queue, 0, 1, id: id).messages.first
    }

    private func findParked(_ id: String, in queue: String) async throws -> JobMessage? {
        let lists = Set(lists(of: queue))
        var cursor = "0"
        var looks = 0
        repeat {
            let scan = RedisCommand("ZSCAN", keys.parked, cursor, "MATCH", Self.literal(id) + ":*", "COUNT", 1000)
            let reply = try await inspector.send([scan], to: inspector.broker)[0]
            guard let parts = reply.array, parts.count == 2, let next = parts[0].text, let found = parts[1].array else {
                return nil  // a key of another type parks nothing
            }
            for place in stride(from: 0, to: found.count - 1, by: 2) {
                guard let member = found[place].text, JobMessage.id(ofParked: member) == id,
                    let due = found[place + 1].double
                else { continue }
                let get = RedisCommand("HGET", keys.parkedMessages, member)
                guard let stored = try await inspector.send([get], to: inspector.broker)[0].bytes,
                    let end = stored.firstIndex(of: UInt8(ascii: "\n")),
                    lists.contains(String(decoding: stored[..<end], as: UTF8.self))
                else { continue }
                return JobMessage(
                    place: .parked(member: member, until: Instant(seconds: due)),
                    item: JobMessage.item(ofParked: stored)
                )
            }
            cursor = next
            looks += 1
        } while cursor != "0" && looks < 1000
        return nil
    }

    /// A text that stands for nothing but itself in a pattern of Redis.
    private static func literal(_ text: String) -> String {
        var out = ""
        for character in text {
            if "*?[]^-\\".contains(character) { out.append("\\") }
            out.append(character)
        }
        return out
    }
}

extension JobDetail {
    /// A task that has ended.
    init(_ task: FinishedTask) {
        self.init(JobSummary(task))
        taskState = task.state
        args = (try? JSONReader.value(Array(task.arguments.utf8)))?.array
        kwargs = (try? JSONReader.value(Array(task.keywords.utf8)))?.object
        result = task.result.map { (try? JSONReader.value(Array($0.utf8))) ?? .string($0) }
        let failures = [task.failure] + task.earlierAttempts.reversed().map(\.failure)
        stacktrace = failures.compactMap { $0.map { $0.traceback ?? "\($0.type): \($0.message)" } }
        attempts = JobAttempt.all(of: task)
        parent = task.parentID
        root = task.rootID
        group = task.groupID
        receivedAt = task.receivedAt
    }

    /// What the message tells.
    mutating func add(_ message: JobMessage?, _ task: TaskMessage?, _ options: RedisQueueAdministration.Options) {
        if let message { messageBytes = message.item.count }
        guard let task else { return }
        if summary.task == nil { summary.task = task.headers.task }
        let limits = options.limits.json
        args = (try? task.payload.arguments(limits: limits)).map { $0.map(options.mask.masked) } ?? args
        kwargs = (try? task.payload.keywords(limits: limits)).map(options.mask.masked) ?? kwargs
        if attempts.isEmpty, let noted = task.headers.extra[HistoryWriter.attemptsHeader]?.array {
            attempts = JobAttempt.earlier(
                noted.suffix(20).compactMap(FinishedTask.Attempt.init(json:)),
                of: task.headers.retries
            )
        }
        parent = task.headers.parentID ?? parent
        root = task.headers.rootID ?? root
        group = task.headers.group ?? group
        origin = task.headers.origin
        eta = task.headers.etaInstant
        expires = task.headers.expiresInstant
    }

    /// What the record tells.
    mutating func add(_ record: ResultRecord, _ options: RedisQueueAdministration.Options) {
        taskState = record.status
        summary.add(record)
        group = record.groupID ?? group
        parent = record.parentID ?? parent
        children = record.children?.map(\.id) ?? []
        if let done = record.dateDone { summary.finishedAt = summary.finishedAt ?? done }
        if record.status.isException {
            if let exception = record.exception { summary.failedReason = exception.description }
            if let traceback = record.traceback, !stacktrace.contains(traceback) { stacktrace.insert(traceback, at: 0) }
        } else if let value = try? record.value(limits: options.limits.json) {
            result = options.mask.masked(value)
        }
    }
}
