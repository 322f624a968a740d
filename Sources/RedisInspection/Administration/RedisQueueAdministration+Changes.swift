import CeleryMessage
package import Inspection
import Logging
import RedisClient
import RedisTransport

extension RedisQueueAdministration: QueueAdministration {
    /// How many waiting messages are looked at for a job that is to go.
    private static let searched = 1_000_000

    package func remove(_ id: String, in queue: String) async throws -> JobRemoval {
        // What moves while it is looked for is looked for again.
        for _ in 0..<5 {
            guard let message = try await find(id, in: queue, most: Self.searched) else { break }
            switch message.place {
            case .waiting(let list, _):
                // From the end at which workers take: a second copy behind it stays what it is.
                let lrem = RedisCommand("LREM", list, "-1") + message.item
                if try await inspector.send([lrem], to: inspector.broker)[0].int == 1 {
                    try await noteRemoved(id)
                    return .removed
                }
            case .parked(let member, _):
                if try await unpark(member, "remove") {
                    try await noteRemoved(id)
                    return .removed
                }
            case .held:
                _ = try await workers.tell(.revoke(ids: [id], terminate: true, signal: "SIGTERM"), to: [])
                return .cancelled
            }
        }
        let wasKept = try await letters.delete(.ids([id])) > 0
        return try await cleaning.forget(taskID: id, queue: queue) || wasKept ? .forgotten : .notFound
    }

    package func retry(_ id: String, in queue: String) async throws -> JobRetry {
        if let letter = try await letters.letter(id: id), letter.task.queue == queue {
            return try await letters.redrive(.ids([id]), perSecond: nil) > 0 ? .retried : .gone
        }
        guard let job = try await job(id, in: queue) else { return .notFound }
        return job.summary.state == .failed ? .gone : .notFailed
    }

    package func promote(_ id: String, in queue: String) async throws -> Bool {
        guard let message = try await find(id, in: queue, most: 0), case .parked(let member, _) = message.place else {
            return false
        }
        return try await unpark(member, "promote")
    }

    private func unpark(_ member: String, _ how: String) async throws -> Bool {
        let arguments = RedisArguments(member, how)
        return try await run(Scripts.unpark, keys: [keys.parked, keys.parkedMessages], arguments).int == 1
    }

    package func abort(_ id: String) async throws -> Bool {
        guard inspector.results != nil else {
            throw InspectionError(.noResultBackend, "there is no result backend")
        }
        return try await store(ResultRecord(taskID: id, status: .aborted), over: .unfinished)
    }

    /// Whoever waits for a task's result is told that it will not run.
    private func noteRemoved(_ id: String) async throws {
        let record = ResultRecord(
            taskID: id,
            status: .revoked,
            result: JSONWriter.bytes(ExceptionInfo.revoked(.revoked).json),
            dateDone: .now()
        )
        do {
            _ = try await store(record, over: .unbegun)
        } catch let error as InspectionError where error.code == .unencodable {
            // It has been removed all the same.
            inspector.logger.error("Whoever waits for a task that was removed cannot be told: \(error.message)")
        }
    }

    /// The tasks whose records may be replaced.
    private enum Replaceable: String {
        case unbegun, unfinished
    }

    /// Stores a task's record and tells those who wait for it; false where what is stored stays.
    private func store(_ record: ResultRecord, over replaceable: Replaceable) async throws -> Bool {
        guard let results = inspector.results else { return false }
        let bytes: [UInt8]
        do throws(MessageError) {
            bytes = try record.encoded(codecs: options.codecs, serializer: options.resultSerializer)
        } catch {
            throw InspectionError(.unencodable, "\(record.taskID): \(error.message)")
        }
        let lifetime = options.resultLifetime.map { String(max(1, $0.components.seconds)) } ?? ""
        let arguments = RedisArguments(lifetime, bytes, replaceable.rawValue)
        let key = keys.result(taskID: record.taskID)
        return try await inspector.translating { () async throws(RedisError) in
            try await results.run(
                Scripts.storeRecord,
                keys: [key],
                arguments: arguments,
                timeout: inspector.configuration.timeout
            ).get().int == 1
        }
    }

    // MARK: Pause

    package func pause(_ queue: String) async throws -> Bool {
        let reply = try await inspector.send([RedisCommand("SADD", keys.paused, queue)], to: inspector.broker)[0]
        let changed = try await inspector.translating { () async throws(RedisError) in try reply.get().int == 1 }
        await stopOthers(queue)
        return changed
    }

    package func resume(_ queue: String) async throws -> Bool {
        let replies = try await inspector.send(
            [RedisCommand("SREM", keys.paused, queue), RedisCommand("HGET", keys.pausedConsumers, queue)],
            to: inspector.broker
        )
        let changed = try await inspector.translating { () async throws(RedisError) in try replies[0].get().int == 1 }
        if let stored = replies[1].bytes, let names = (try? JSONReader.value(stored))?.array?.compactMap(\.string) {
            _ = try await workers.tell(.addConsumer(queue: queue), to: names)
            _ = try await inspector.send([RedisCommand("HDEL", keys.pausedConsumers, queue)], to: inspector.broker)
        }
        return changed
    }

    /// Celery's workers know of no pause: they are told to consume the queue no more.
    private func stopOthers(_ queue: String) async {
        do {
            let others = try await workers.workers().filter { !$0.isCeleriac && $0.queues.contains(queue) }.map(\.name)
            guard !others.isEmpty else { return }
            let names = JSONWriter.string(.array(others.map(JSONValue.string)))
            _ = try await inspector.send(
                [RedisCommand("HSET", keys.pausedConsumers, queue, names)],
                to: inspector.broker
            )
            _ = try await workers.tell(.cancelConsumer(queue: queue), to: others)
        } catch {
            inspector.logger.warning("Celery's workers could not be told that \(queue) is paused: \(error)")
        }
    }

    // MARK: Taking away

    package func clean(_ queue: String, grace: Duration, states: Set<JobState>) async throws -> Int {
        try await cleaning.clean(
            queue: queue,
            completed: states.contains(.completed),
            failed: states.contains(.failed),
            // Without a grace it is all of them, also those of a worker whose clock is ahead.
            endedBefore: .now() - (grace == .zero ? .seconds(-86_400) : grace)
        )
    }

    package func drain(_ queue: String, delayed: Bool) async throws -> Int {
        let waiting = try await run(Scripts.drain, keys: lists(of: queue), RedisArguments()).int ?? 0
        return waiting + (delayed ? try await drainParked(queue) : 0)
    }

    private func drainParked(_ queue: String) async throws -> Int {
        var gone = 0
        var start = 0
        while true {
            var arguments = RedisArguments(start, 500)
            arguments.append(contentsOf: lists(of: queue))
            let reply = try await run(Scripts.drainParked, keys: [keys.parked, keys.parkedMessages], arguments)
            guard let parts = reply.array, parts.count == 2, let taken = parts[0].int, let looked = parts[1].int else {
                throw InspectionError.unexpected(Scripts.drainParked)
            }
            gone += taken
            start += looked - taken
            if looked == 0 { return gone }
        }
    }
}

extension RedisCommand {
    /// The command with bytes as its last argument.
    fileprivate static func + (command: RedisCommand, bytes: [UInt8]) -> RedisCommand {
        var command = command
        command.append(bytes)
        return command
    }
}
