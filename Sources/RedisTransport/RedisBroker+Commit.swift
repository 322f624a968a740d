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
        return try await commitApart(commits, on: resultClient)
    }

    func commitTogether(_ commits: [Commit]) async throws -> [CommitStatus] {
        let history = HistoryBatch(commits)
        if let finished = plainFinishes(commits) { return try await finish(finished, history: history) }
        let reply = try await run(Scripts.commit, keys: commitKeys, arguments: arguments(commits, history))
        let statuses = try Self.statuses(reply, of: commits)
        announce(commits)
        return statuses
    }

    /// The script's keys, in the order of its header.
    private var commitKeys: [String] {
        let keys = configuration.keys
        return [
            keys.unacked, keys.unackedIndex, keys.parked, keys.parkedMessages, keys.dead, keys.deliveries,
            keys.history, keys.historyDurations, keys.deadFacts, keys.deadMessages, keys.deadTotals,
        ]
    }

    static func statuses(_ reply: RedisReply, of commits: [Commit]) throws -> [CommitStatus] {
        guard let answers = reply.array, answers.count == commits.count else {
            throw TransportError(.protocolViolation, "the commit script answered something unexpected")
        }
        return zip(answers, commits).map { answer, commit in
            guard let tokens = answer.array?.compactMap(\.text) else { return answer.int == 1 ? .done : .lost }
            return .completed(commit.claims(of: tokens))
        }
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
    func arguments(_ commits: [Commit], _ history: HistoryBatch) -> RedisArguments {
        var arguments = RedisArguments()
        arguments.reserveCapacity(commits.count * 1024)
        arguments.append(configuration.deadLetterLimit)
        arguments.append(configuration.deadLetterBytes)
        arguments.append(configuration.deadLetterTimeToLive)
        arguments.append(otherResultDatabase.map(String.init) ?? "")
        arguments.append(configuration.broker.database)
        arguments.append(commits.count)
        for commit in commits { arguments.append(commit.tag?.text ?? "") }
        for commit in commits {
            arguments.append(commit.acknowledges ? "1" : "0")
            arguments.append(commit.effects.count)
            for effect in commit.effects { append(effect, to: &arguments) }
        }
        history.append(to: &arguments, keys: configuration.keys)
        return arguments
    }

    /// The database of the results, when it is another one of the same server.
    var otherResultDatabase: Int? {
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
        case .keepDead(let dead):
            let id = dead.id
            arguments.append("X")
            arguments.append(id)
            arguments.append(dead.facts(id: id))
            arguments.append(list(of: dead.message))
            arguments.append(dead.message.item)
        case .forgetDeliveries(let taskID):
            arguments.append("F")
            arguments.append(taskID)
        case .startChord(let chord): append(chord, to: &arguments)
        case .extendChord(let groupID):
            arguments.append("T")
            arguments.append(configuration.keys.group(groupID: groupID))
        case .returnChordPart(let part): append(part, to: &arguments)
        case .finishChord(let claim, let end): append(claim, end, to: &arguments)
        }
    }

    func list(of message: Publication) -> String {
        let keys = configuration.keys
        return keys.list(queue: message.queue, step: keys.step(priority: message.priority))
    }

    // MARK: Two servers

    /// Stores the results of those commits whose messages are still held, then does everything else.
    private func commitApart(_ commits: [Commit], on results: RedisClient) async throws -> [CommitStatus] {
        var statuses: [CommitStatus] = []
        let rest = commits.filter { $0.finished == nil }
        if !rest.isEmpty {
            let completed = try await store(rest, on: results)
            let sent = try await commitTogether(rest.map { $0.filtered { !$0.isForResults } })
            statuses = zip(sent, completed).map { $0 == .done && !$1.isEmpty ? .completed($1) : $0 }
        }
        guard rest.count < commits.count else { return statuses }
        var all: [CommitStatus] = []
        var others = statuses.makeIterator()
        for commit in commits {
            if let claim = commit.finished {
                all.append(try await finish(claim, commit, on: results))
            } else {
                all.append(others.next() ?? .lost)
            }
        }
        return all
    }

    /// A worker that was frozen and lost its messages stores nothing; a stored SUCCESS stays, clients are told of the rest.
    ///
    /// Answers for each commit the chords that it completed.
    private func store(_ commits: [Commit], on results: RedisClient) async throws -> [[ChordClaim]] {
        var completed = [[ChordClaim]](repeating: [], count: commits.count)
        var storing: [(place: Int, commit: Commit)] = []
        for (place, commit) in commits.enumerated() where commit.effects.contains(where: \.isForResults) {
            storing.append((place, commit))
        }
        let lost = try await lost(storing.compactMap(\.commit.tag))
        storing.removeAll { $0.commit.tag.map(lost.contains) ?? false }
        guard !storing.isEmpty else { return completed }
        let stores = storing.map {
            Commit(tag: nil, acknowledges: false, effects: $0.commit.effects.filter(\.isForResults))
        }
        for (stored, status) in zip(storing, try await commit(stores, to: results)) {
            if case .completed(let claims) = status { completed[stored.place] = claims }
        }
        return completed
    }

    /// Runs commits without messages on the results' server.
    func commit(_ commits: [Commit], to results: RedisClient) async throws -> [CommitStatus] {
        // Results name their own keys. The script's are those of the queues, which may be there all the same: another
        // deployment's, or this one's under another name of the server.
        let keys = commitKeys
        let call = arguments(commits, HistoryBatch([]))
        let reply = try await translating {
            () async throws(RedisError) in
            try await results.run(Scripts.commit, keys: keys, arguments: call).get()
        }
        return try Self.statuses(reply, of: commits)
    }

    /// Which of these tags nobody holds any more.
    private func lost(_ tags: [DeliveryTag]) async throws -> Set<DeliveryTag> {
        guard !tags.isEmpty else { return [] }
        let command = RedisCommand("ZMSCORE", arguments: [configuration.keys.unackedIndex] + tags.map(\.text))
        let scores = try await translating { () async throws(RedisError) in try await client.send(command).get() }
        return Set(zip(tags, scores.array ?? []).filter(\.1.isNull).map(\.0))
    }
}
