import CeleryMessage
import RedisClient
import Transport

extension RedisBroker {
    /// Sweeps as every Kombu client does (`kombu/transport/redis.py`, `restore_visible`): messages whose lease is older
    /// than the visibility timeout go back to the head of their queues, oldest in front, whoever held them.
    public func restoreAbandoned() async throws -> Int {
        let keys = configuration.keys
        let token = Identifier.uuid()
        let lock = RedisCommand(
            "SET",
            keys.unackedMutex,
            token,
            "NX",
            "PX",
            String(configuration.sweepLockSeconds * 1000)
        )
        let locked = try await translating { () async throws(RedisError) in try await client.send(lock).get() }
        guard !locked.isNull else { return 0 }
        let outcome: Result<Int, any Error>
        do {
            outcome = .success(try await sweep())
        } catch {
            outcome = .failure(error)
        }
        // A lock that cannot be given back now ends by itself.
        _ = try? await client.run(
            Self.unlock,
            keys: [keys.unackedMutex],
            arguments: RedisArguments(token)
        )
        return try outcome.get()
    }

    /// Gives a lock back, unless it has passed on to somebody else meanwhile.
    private static let unlock = RedisScript(
        name: "unlock",
        source: "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"
    )

    private func sweep() async throws -> Int {
        let keys = configuration.keys
        let newest = Instant.now().seconds - configuration.visibilityTimeout
        var moved = 0
        while true {
            let page = try await translating {
                () async throws(RedisError) in
                try await client.send(
                    RedisCommand("ZRANGEBYSCORE", keys.unackedIndex, "-inf", String(newest), "LIMIT", "0", "100")
                ).get()
            }
            let tags = page.array?.compactMap(\.text) ?? []
            guard !tags.isEmpty else { return moved }
            moved += try await putBack(tags, newest: newest)
            if tags.count < 100 { return moved }
        }
    }

    private func putBack(_ tags: [String], newest: Double) async throws -> Int {
        let keys = configuration.keys
        let stored = try await translating {
            () async throws(RedisError) in
            try await client.send(RedisCommand("HMGET", arguments: [keys.unacked] + tags)).get()
        }
        var arguments = RedisArguments()
        var unreadable: [Commit] = []
        arguments.append(String(newest))
        // Newest first, so that the oldest ends up next to be consumed.
        for (tag, value) in zip(tags, stored.array ?? []).reversed() {
            arguments.append(tag)
            if let message = value.bytes.flatMap(AbandonedMessage.init) {
                let queue = try await queue(exchange: message.exchange, routingKey: message.routingKey)
                arguments.append(keys.list(queue: queue, step: keys.step(priority: message.priority)))
                arguments.append(message.item)
            } else if let garbage = value.bytes.flatMap({ HeldMessage(tag: tag, stored: $0, keys: keys) }) {
                // No JSON, so only Celeriac can have claimed it; whoever claims it next keeps it with a reason.
                arguments.append(garbage.list)
                arguments.append(garbage.marked)
            } else {
                if let stored = value.bytes { unreadable.append(bury(stored, heldUnder: tag)) }
                arguments.append("")
                arguments.append("")
            }
        }
        // First, as the script forgets what goes nowhere.
        if !unreadable.isEmpty { _ = try await commit(unreadable) }
        let reply = try await run(Scripts.restore, keys: [keys.unacked, keys.unackedIndex], arguments: arguments)
        pushed(nil)
        return reply.int ?? 0
    }

    /// What stands among the held messages and is none: nobody knows where it came from.
    private func bury(_ stored: [UInt8], heldUnder tag: String) -> Commit {
        let queue = configuration.keys.unackedName
        let end = TaskEnd(
            of: nil,
            queue: queue,
            state: .failure,
            finishedAt: .now(),
            bound: .failed,
            writer: HistoryWriter(worker: workerID)
        )
        let message = Publication(queue: queue, priority: 0, item: stored)
        let dead = DeadMessage(end: end, reason: "it is no message as workers hold them", message: message)
        return Commit(tag: DeliveryTag(tag), acknowledges: true, effects: [.keepDead(dead)])
    }

    /// The queue a direct exchange sends a routing key to; with the anonymous exchange the key is the queue's name.
    private func queue(exchange: String, routingKey: String) async throws -> String {
        guard !exchange.isEmpty else { return routingKey }
        let keys = configuration.keys
        let members = try await translating {
            () async throws(RedisError) in
            try await client.send(RedisCommand("SMEMBERS", keys.binding(exchange: exchange))).get()
        }
        for member in members.array?.compactMap(\.text) ?? [] {
            // routing key, separator, pattern, separator, queue
            guard member.hasPrefix(routingKey + keys.separator), let cut = member.lastRange(of: keys.separator)
            else { continue }
            return String(member[cut.upperBound...])
        }
        return routingKey
    }
}

/// A held message of whoever wrote it: `[envelope, exchange, routing key]` as JSON.
struct AbandonedMessage {
    let item: [UInt8]
    let exchange: String
    let routingKey: String
    let priority: Int

    init?(_ stored: [UInt8]) {
        guard let parts = (try? JSONReader.value(stored))?.array, parts.count == 3,  // not ours to repair otherwise
            let exchange = parts[1].string, let routingKey = parts[2].string, parts[0].object != nil
        else { return nil }
        let envelope = JSONWriter.bytes(parts[0])
        item = Redelivery.mark(envelope) ?? envelope
        self.exchange = exchange
        self.routingKey = routingKey
        priority = parts[0]["properties"]?["priority"]?.int.map(Int.init(truncatingIfNeeded:)) ?? 0
    }
}

extension String {
    /// The last place of a text.
    fileprivate func lastRange(of text: String) -> Range<String.Index>? {
        guard !text.isEmpty else { return nil }
        var found: Range<String.Index>?
        var rest = self[...]
        while let next = rest.firstRange(of: text) {
            found = next
            rest = rest[next.upperBound...]
        }
        return found
    }
}
