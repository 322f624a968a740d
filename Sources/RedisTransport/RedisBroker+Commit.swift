import CeleryMessage
import RedisClient
public import Transport

extension RedisBroker {
    /// Makes the effects of each commit happen, with its acknowledgement.
    ///
    /// Results and broker on one server: one script, one atomic step for each commit. On two servers: the results
    /// first, then everything else with the acknowledgement, so that a crash between repeats a task but loses nothing.
    public func commit(_ commits: [Commit]) async throws -> [CommitStatus] {
        guard !commits.isEmpty else { return [] }
        guard let resultClient else { return try await commitTogether(commits) }
        try await store(commits, on: resultClient)
        return try await commitTogether(
            commits.map { commit in
                var rest = commit
                rest.effects.removeAll { if case .store = $0 { true } else { false } }
                return rest
            }
        )
    }

    private func commitTogether(_ commits: [Commit]) async throws -> [CommitStatus] {
        let keys = configuration.keys
        let reply = try await run(
            Scripts.commit,
            keys: [
                keys.unacked, keys.unackedIndex, keys.parked, keys.parkedMessages, keys.rejected, keys.deliveries,
            ],
            arguments: arguments(commits)
        )
        guard let answers = reply.array, answers.count == commits.count else {
            throw TransportError(.protocolViolation, "the commit script answered something unexpected")
        }
        announce(commits)
        return answers.map { $0.int == 1 ? .done : .lost }
    }

    /// Messages pushed by this worker may well be its own to run next.
    private func announce(_ commits: [Commit]) {
        var lists: [String] = []
        for commit in commits {
            for effect in commit.effects {
                switch effect {
                case .publish(let message), .putBack(let message): lists.append(list(of: message))
                default: break
                }
            }
        }
        if !lists.isEmpty { pushed(lists) }
    }

    /// The script's arguments; its header says what stands where.
    func arguments(_ commits: [Commit]) -> RedisArguments {
        var arguments = RedisArguments()
        arguments.reserveCapacity(commits.count * 512)
        arguments.append(configuration.rejectedLimit)
        arguments.append(configuration.rejectedTimeToLive)
        arguments.append(otherResultDatabase.map(String.init) ?? "")
        arguments.append(configuration.broker.database)
        arguments.append(commits.count)
        for commit in commits { arguments.append(commit.tag?.text ?? "") }
        for commit in commits {
            arguments.append(commit.acknowledges ? "1" : "0")
            arguments.append(commit.effects.count)
            for effect in commit.effects { append(effect, to: &arguments) }
        }
        return arguments
    }

    private var otherResultDatabase: Int? {
        guard resultClient == nil, let results = configuration.results else { return nil }
        return results.database == configuration.broker.database ? nil : results.database
    }

    private func append(_ effect: Effect, to arguments: inout RedisArguments) {
        switch effect {
        case .store(let result):
            arguments.append("S")
            arguments.append(configuration.keys.result(taskID: result.taskID))
            if let seconds = result.timeToLive { arguments.append(seconds) } else { arguments.append("") }
            arguments.append(result.record)
        case .publish(let message):
            arguments.append("L")
            arguments.append(list(of: message))
            arguments.append(message.item)
        case .putBack(let message):
            arguments.append("R")
            arguments.append(list(of: message))
            arguments.append(message.item)
        case .park(let message, let taskID, let due):
            arguments.append("P")
            // Two parked messages may carry one id (a task called twice under it); both must survive.
            arguments.append("\(taskID):\(Identifier.uuid().prefix(8))")
            arguments.append(due.seconds)
            arguments.append(list(of: message))
            arguments.append(message.item)
        case .keepRejected(let message):
            arguments.append("X")
            arguments.append(RejectedEntry.json(message, itemLimit: configuration.rejectedItemBytes))
        case .forgetDeliveries(let taskID):
            arguments.append("F")
            arguments.append(taskID)
        }
    }

    func list(of message: Publication) -> String {
        let keys = configuration.keys
        return keys.list(queue: message.queue, step: keys.step(priority: message.priority))
    }

    /// Stores the results of those commits whose messages are still held, on another server than the queues'.
    ///
    /// A worker that was frozen and lost its messages stores nothing; a stored SUCCESS stays, clients are told of the rest.
    private func store(_ commits: [Commit], on results: RedisClient) async throws {
        var storing: [(tag: DeliveryTag?, effects: [Effect])] = []
        for commit in commits {
            let stores = commit.effects.filter { if case .store = $0 { true } else { false } }
            if !stores.isEmpty { storing.append((commit.tag, stores)) }
        }
        let lost = try await lost(storing.compactMap(\.tag))
        storing.removeAll { $0.tag.map(lost.contains) ?? false }
        guard !storing.isEmpty else { return }
        let call = arguments(storing.map { Commit(tag: nil, acknowledges: false, effects: $0.effects) })
        // The script's keys are those of the queues; results name their own.
        let key = configuration.keys.unacked
        _ = try await translating {
            () async throws(RedisError) in
            try await results.run(Scripts.commit, keys: [key, key, key, key, key, key], arguments: call).get()
        }
    }

    /// Which of these tags nobody holds any more.
    private func lost(_ tags: [DeliveryTag]) async throws -> Set<DeliveryTag> {
        guard !tags.isEmpty else { return [] }
        let command = RedisCommand("ZMSCORE", arguments: [configuration.keys.unackedIndex] + tags.map(\.text))
        let scores = try await translating { () async throws(RedisError) in try await client.send(command).get() }
        return Set(zip(tags, scores.array ?? []).filter(\.1.isNull).map(\.0))
    }
}
