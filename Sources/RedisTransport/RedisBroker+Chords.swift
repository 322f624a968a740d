import CeleryMessage
import RedisClient
public import Transport

extension RedisBroker {
    /// How long a claim and what is known of it are kept where the chord's own keys have no end, in seconds: a week.
    private static let longestClaim = 604_800

    // MARK: The commit script's arguments

    func append(_ chord: StoredChord, to arguments: inout RedisArguments) {
        arguments.append("C")
        arguments.append(configuration.keys.group(groupID: chord.start.groupID))
        arguments.append(chord.start.size)
        append(chord.timeToLive, to: &arguments)
        arguments.append(chord.start.savedGroup ?? [])
    }

    func append(_ part: ChordPart, to arguments: inout RedisArguments) {
        let keys = configuration.keys
        let score = part.groupIndex.map(String.init) ?? "+inf"
        arguments.append("J")
        arguments.append(keys.group(groupID: part.groupID))
        // Celery's workers look for the same members, so a part counts once in a fleet of both.
        arguments.append(part.taskID + ":" + score)
        arguments.append(score)
        arguments.append(part.value)
        arguments.append(configuration.chordsAreOrdered ? "1" : "0")
        append(part.timeToLive, to: &arguments)
        append(part.groupTimeToLive, to: &arguments)
        arguments.append(part.token)
        // Not Celery's few seconds: its workers would take the chord over, while a peer finishes it for certain.
        arguments.append(max(60, part.timeToLive ?? Self.longestClaim))
        arguments.append(keys.chords)
        arguments.append(keys.chordClaims)
        arguments.append(part.groupID)
        arguments.append(part.completion)
        arguments.append(part.isRedelivered ? "1" : "0")
    }

    func append(_ claim: ChordClaim, _ end: ChordEnd, to arguments: inout RedisArguments) {
        let keys = configuration.keys
        arguments.append("D")
        arguments.append(keys.group(groupID: claim.groupID))
        arguments.append(claim.token)
        arguments.append(end == .sent ? "1" : "0")
        arguments.append(keys.chords)
        arguments.append(keys.chordClaims)
        arguments.append(claim.groupID)
    }

    private func append(_ seconds: Int?, to arguments: inout RedisArguments) {
        if let seconds { arguments.append(seconds) } else { arguments.append("") }
    }

    // MARK: Reading

    /// The header's results, or the saved group with the records of its tasks.
    public func chordParts(of claim: ChordClaim) async throws -> ChordParts? {
        let base = configuration.keys.group(groupID: claim.groupID)
        let reply = try await read(Scripts.chordParts, keys: [base, base + ".j"]) { arguments in
            arguments.append(configuration.chordBytes)
        }
        if reply.isNull { return .tooMuch }
        guard let answer = reply.array, answer.count == 2, let values = answer[1].array?.compactMap(\.bytes) else {
            throw TransportError(.protocolViolation, "the chord_parts script answered something unexpected")
        }
        guard let saved = answer[0].bytes, !saved.isEmpty else { return values.isEmpty ? nil : .values(values) }
        return .saved(group: saved, values: values)
    }

    /// The records of tasks, by id; those without one are left out.
    public func records(taskIDs: [String]) async throws -> [String: [UInt8]] {
        var records: [String: [UInt8]] = [:]
        for start in stride(from: 0, to: taskIDs.count, by: 1000) {
            let ids = Array(taskIDs[start..<min(start + 1000, taskIDs.count)])
            let reply = try await read(Scripts.chordRecords, keys: ids.map(configuration.keys.result(taskID:)))
            for (id, record) in zip(ids, reply.array ?? []) {
                if let bytes = record.bytes, !bytes.isEmpty { records[id] = bytes }
            }
        }
        return records
    }

    /// Hands out complete chords that nobody has finished for some seconds.
    public func overdueChords(age: Duration) async throws -> [ChordClaim] {
        let keys = configuration.keys
        let reply = try await read(Scripts.overdueChords, keys: [keys.chords, keys.chordClaims]) { arguments in
            arguments.append(max(0, Int(age.components.seconds)))
            arguments.append(100)
        }
        let answer = reply.array ?? []
        return stride(from: 0, to: answer.count - 1, by: 2).compactMap { place in
            guard let id = answer[place].text, let claim = answer[place + 1].bytes,
                let cut = claim.firstIndex(of: UInt8(ascii: "\n"))
            else { return nil }
            let token = String(decoding: claim[..<cut], as: UTF8.self)
            return ChordClaim(groupID: id, token: token, completion: Array(claim[(cut + 1)...]))
        }
    }

    /// Runs a script that reads where the results are.
    private func read(
        _ script: RedisScript,
        keys: [String],
        more: (inout RedisArguments) -> Void = { _ in }
    ) async throws -> RedisReply {
        var arguments = RedisArguments()
        arguments.append(otherResultDatabase.map(String.init) ?? "")
        arguments.append(configuration.broker.database)
        more(&arguments)
        let call = arguments
        let server = resultClient ?? client
        return try await translating {
            () async throws(RedisError) in try await server.run(script, keys: keys, arguments: call).get()
        }
    }

    // MARK: Two servers

    /// Ends a chord whose counters are on another server than the queues.
    ///
    /// Everything that may be repeated first, then the messages, which a marker beside the queues lets out once, and the
    /// claim last: a worker that dies in between leaves the rest to whoever takes the chord over.
    func finish(_ claim: ChordClaim, _ commit: Commit, on results: RedisClient) async throws -> CommitStatus {
        let keys = configuration.keys
        let record = try await translating {
            () async throws(RedisError) in
            try await results.send(RedisCommand("HGET", keys.chordClaims, claim.groupID)).get()
        }
        guard record.bytes?.starts(with: claim.token.utf8) ?? false else { return .lost }
        let marker = keys.chordSent(token: claim.token)
        let wasSent = try await translating {
            () async throws(RedisError) in try await client.send(RedisCommand("EXISTS", marker)).get()
        }
        if wasSent.int != 1 {
            let stores = commit.effects.filter(\.isRepeatable)
            if !stores.isEmpty {
                _ = try await self.commit([Commit(tag: nil, acknowledges: false, effects: stores)], to: results)
            }
            try await publishOnce(commit, marker: marker)
        }
        let last = commit.filtered { $0.isForResults && !$0.isRepeatable }
        return try await self.commit([last], to: results)[0]
    }

    private func publishOnce(_ commit: Commit, marker: String) async throws {
        var arguments = RedisArguments()
        arguments.append(Self.longestClaim)
        var lists: [String] = []
        for case .publish(let message) in commit.effects {
            lists.append(list(of: message))
            arguments.append(list(of: message))
            arguments.append(message.item)
        }
        _ = try await run(Scripts.publishOnce, keys: [marker], arguments: arguments)
        if !lists.isEmpty { pushed(lists) }
    }
}

extension Commit {
    /// The claim of the chord that ends with this.
    var finished: ChordClaim? {
        guard case .finishChord(let claim, _)? = effects.first else { return nil }
        return claim
    }

    func filtered(_ isKept: (Effect) -> Bool) -> Commit {
        Commit(tag: tag, acknowledges: acknowledges, effects: effects.filter(isKept), history: history)
    }

    /// The claims that its parts made, by their tokens.
    func claims(of tokens: [String]) -> [ChordClaim] {
        effects.compactMap { effect in
            guard case .returnChordPart(let part) = effect, tokens.contains(part.token) else { return nil }
            return ChordClaim(groupID: part.groupID, token: part.token, completion: part.completion)
        }
    }
}

extension Effect {
    /// Whether it happens where the results are.
    var isForResults: Bool {
        switch self {
        case .store, .startChord, .extendChord, .returnChordPart, .finishChord: true
        case .publish, .putBack, .park, .keepDead, .forgetDeliveries: false
        }
    }

    /// Whether it may happen once more.
    var isRepeatable: Bool {
        switch self {
        case .store, .startChord: true
        default: false
        }
    }
}
