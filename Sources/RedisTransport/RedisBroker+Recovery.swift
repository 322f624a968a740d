import CeleryMessage
import Logging
import NIOCore
import RedisClient
public import Transport

/// A claim that failed after it was sent: the server may have run it.
struct UnansweredClaim: Sendable {
    let firstTag: Int
    let count: Int
    let sentAt: NIODeadline
}

/// Messages that this worker has ended, but that the server holds as its own: a failover or a restart of Redis took the
/// server back to a moment before the commit.
struct ForgottenEnds: Sendable, Equatable {
    /// Tags from this number on were claimed over the present connection.
    let below: Int
    /// What the look before this one found; `nil` before the first.
    var suspects: Set<String>?
}

extension RedisBroker {
    /// Takes back what is held under a dead worker's tags, oldest in front.
    ///
    /// Walks the held messages once, a page at a time. Several peers may do this at once: each message moves once, because taking back begins with removing
    /// its tag, and nothing moves if the worker turns out to be alive.
    public func recover(
        worker: String,
        maxDeliveries: Int,
        poisoned: @Sendable (Delivery) -> Commit
    ) async throws -> Int {
        var held = try await tags(of: worker)
        held.sort { $0.number > $1.number }
        var moved = 0
        for start in stride(from: 0, to: held.count, by: 100) {
            let page = held[start..<min(start + 100, held.count)].map(\.tag)
            guard let count = try await takeBack(page, from: worker, maxDeliveries: maxDeliveries, poisoned: poisoned)
            else { return moved }
            moved += count
        }
        if try await tags(of: worker).isEmpty {
            _ = try await run(
                Scripts.forgetWorker,
                keys: [configuration.keys.workers],
                arguments: RedisArguments(worker, configuration.deadAfter)
            )
        }
        return moved
    }

    /// The tags a worker holds, found by their first part.
    private func tags(of worker: String) async throws -> [(tag: String, number: Int)] {
        var found: [(tag: String, number: Int)] = []
        var cursor = "0"
        let pattern = worker + ":*"
        repeat {
            let at = cursor
            let page = try await translating {
                () async throws(RedisError) in
                try await client.send(
                    RedisCommand("ZSCAN", configuration.keys.unackedIndex, at, "MATCH", pattern, "COUNT", "1000")
                ).get()
            }
            guard let parts = page.array, parts.count == 2, let next = parts[0].text, let members = parts[1].array
            else {
                throw TransportError(.protocolViolation, "ZSCAN answered something unexpected")
            }
            for place in stride(from: 0, to: members.count, by: 2) {
                guard let tag = members[place].text, let number = tag.split(separator: ":").last.flatMap({ Int($0) })
                else { continue }
                found.append((tag, number))
            }
            cursor = next
        } while cursor != "0"
        // ZSCAN may name a member twice.
        var seen = Set<String>()
        return found.filter { seen.insert($0.tag).inserted }
    }

    /// Moves one page; `nil` when the worker is alive.
    private func takeBack(
        _ tags: [String],
        from worker: String,
        maxDeliveries: Int,
        poisoned: @Sendable (Delivery) -> Commit
    ) async throws -> Int? {
        let keys = configuration.keys
        let stored = try await translating {
            () async throws(RedisError) in
            try await client.send(RedisCommand("HMGET", arguments: [keys.unacked] + tags)).get()
        }
        guard let values = stored.array, values.count == tags.count else { return 0 }
        var held = zip(tags, values).compactMap { tag, value in
            value.bytes.flatMap { HeldMessage(tag: tag, stored: $0, keys: keys) }
        }
        let counts = try await deliveries(of: held.map(\.taskID))
        var spoiled: [Commit] = []
        held.removeAll { message in
            guard let id = message.taskID, counts[id, default: 0] >= maxDeliveries else { return false }
            let delivery = Delivery(tag: DeliveryTag(message.tag), queue: message.queue, item: message.item)
            spoiled.append(poisoned(delivery))
            return true
        }

        var arguments = RedisArguments()
        arguments.append(worker)
        arguments.append(configuration.deadAfter)
        arguments.append(configuration.deliveriesTimeToLive)
        for message in held {
            arguments.append(message.tag)
            arguments.append(message.list)
            arguments.append(message.marked)
            arguments.append(message.taskID ?? "")
        }
        let moved = try await run(
            Scripts.takeBack,
            keys: [keys.unacked, keys.unackedIndex, keys.workers, keys.deliveries],
            arguments: arguments
        )
        guard let count = moved.int else {
            throw TransportError(.protocolViolation, "the take_back script answered something unexpected")
        }
        guard count >= 0 else { return nil }
        // Not before the script has found that the worker is still dead.
        if !spoiled.isEmpty { _ = try await commit(spoiled) }
        pushed(nil)
        return count + spoiled.count
    }

    /// Puts back what claims took whose answer was lost with a connection: held under this worker's tags, but in nobody's
    /// hands.
    ///
    /// A claim may still be on its way through the server when a new connection is up, so it is asked for at every
    /// heartbeat until something was found, for some minutes.
    func putBackUnanswered() async throws {
        for claim in unansweredClaims() {
            let tags = (claim.firstTag..<claim.firstTag + claim.count).map { "\(workerID):\($0)" }
            let count = try await putBack(tags)
            guard count > 0 else { continue }
            settle(claim)
            logger.warning("Put back \(count) message(s) of a claim whose answer was lost")
        }
    }

    /// Puts back what the server holds for this worker though the worker has ended it; see ``ForgottenEnds``.
    ///
    /// A commit may be on its way while the worker's tags are looked through, so only what two heartbeats in a row find goes
    /// back. Should even that be too soon, the task runs twice, which is allowed; without it, it would have to wait for the
    /// visibility timeout.
    func putBackForgotten(holding tags: [DeliveryTag]) async throws {
        guard let search = forgottenEnds() else { return }
        let held = Set(tags.map(\.text))
        let found = try await self.tags(of: workerID).filter { $0.number < search.below && !held.contains($0.tag) }
        guard let suspects = search.suspects else {
            let next = ForgottenEnds(below: search.below, suspects: Set(found.map(\.tag)))
            return note(found.isEmpty ? nil : next, after: search)
        }
        let certain = found.filter { suspects.contains($0.tag) }.sorted { $0.number < $1.number }.map(\.tag)
        var count = 0
        // The last page first, so that the oldest ends up in front.
        for start in stride(from: 0, to: certain.count, by: 100).reversed() {
            count += try await putBack(Array(certain[start..<min(start + 100, certain.count)]))
        }
        note(nil, after: search)
        if count > 0 { logger.warning("Put back \(count) message(s) whose end Redis had lost") }
    }

    /// Puts back what is held under these tags of this worker, in the order of the tags.
    private func putBack(_ tags: [String]) async throws -> Int {
        let keys = configuration.keys
        let stored = try await translating {
            () async throws(RedisError) in
            try await client.send(RedisCommand("HMGET", arguments: [keys.unacked] + tags)).get()
        }
        // The newest first, so that the oldest ends up in front.
        let held = zip(tags, stored.array ?? []).reversed().compactMap { tag, value in
            value.bytes.flatMap { HeldMessage(tag: tag, stored: $0, keys: keys) }
        }
        guard !held.isEmpty else { return 0 }
        _ = try await commit(
            held.map { message in
                let item = Publication(queue: message.queue, priority: message.priority, item: message.marked)
                return Commit(tag: DeliveryTag(message.tag), acknowledges: true, effects: [.putBack(item)])
            }
        )
        return held.count
    }

    private func deliveries(of taskIDs: [String?]) async throws -> [String: Int] {
        let ids = taskIDs.compactMap(\.self)
        guard !ids.isEmpty else { return [:] }
        let reply = try await translating {
            () async throws(RedisError) in
            try await client.send(RedisCommand("HMGET", arguments: [configuration.keys.deliveries] + ids)).get()
        }
        let counts = reply.array?.map { $0.int ?? 0 } ?? []
        return Dictionary(zip(ids, counts), uniquingKeysWith: max)
    }
}
