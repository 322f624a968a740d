public import CeleryMessage
import Logging
import NIOCore
import RedisClient
public import Transport

/// Where what is published for this worker goes.
struct ControlSubscription: Sendable {
    /// The pattern of the requests' channel.
    let requests: String
    /// The pattern of the elections' channel, when they are listened to.
    let elections: String?
    let onNotice: @Sendable (ControlNotice) -> Void

    /// Hands a push on, when it is one of these.
    func receive(_ push: RedisPush) {
        guard case .patternMessage(let pattern, _, let payload) = push else { return }
        if pattern == requests {
            onNotice(.request(payload))
        } else if pattern == elections {
            onNotice(.election(payload))
        }
    }
}

extension RedisBroker: ControlChannel {
    /// How many revoked stamps are remembered.
    private static let mostStamps = 1000
    /// Seconds for which a reply waits for its reader: Celery's `control_queue_ttl`.
    private static let mailboxTimeToLive = 300

    /// The broker as Kombu describes a connection, without credentials.
    public var brokerInfo: JSONObject {
        let server = configuration.broker
        var host: JSONValue = .null
        var port: JSONValue = .null
        // As Kombu describes a connection to several servers or sentinels: by the first of them.
        switch server.endpoint.firstAddress {
        case .tcp(let name, let number):
            host = .string(name)
            port = .int(Int64(number))
        case .unix(let path): host = .string(path)
        case nil: break
        }
        return [
            "hostname": host,
            "userid": server.username.map(JSONValue.string) ?? .null,
            "virtual_host": .string(String(server.database)),
            "port": port,
            "insist": false,
            "ssl": .bool(server.tls != nil),
            "transport": server.endpoint.sentinels == nil ? "redis" : "sentinel",
            "connect_timeout": .int(server.connectTimeout.components.seconds),
            "transport_options": .object(JSONObject()),
            "login_method": .null,
            "uri_prefix": .null,
            "heartbeat": 120.0,
            "failover_strategy": server.endpoint.servers?.order == .shuffled ? "shuffle" : "round-robin",
            "alternates": .array(alternates),
            "credential_provider": .null,
        ]
    }

    /// The servers after the first, without passwords.
    private var alternates: [JSONValue] {
        guard configuration.broker.endpoint.servers != nil else { return [] }
        return configuration.broker.redactedURL.split(separator: ";").dropFirst().map { .string(String($0)) }
    }

    /// Subscribes by pattern as Kombu does; the subscription outlives reconnects.
    public func listen(
        control: String,
        elections: String?,
        onNotice: @escaping @Sendable (ControlNotice) -> Void
    ) async throws {
        let requests = channel(exchange: control, routingKey: "")
        // Elections alone: the heartbeats of a large fleet would be a message for each worker from each.
        let election = elections.map { channel(exchange: $0, routingKey: "worker.elect") }
        let loop = client.eventLoop
        let subscription = ControlSubscription(requests: requests, elections: election) { notice in
            if loop.inEventLoop { onNotice(notice) } else { loop.execute { onNotice(notice) } }
        }
        setControl(subscription)
        try await translating { () async throws(RedisError) in
            try await subscriber.psubscribe([requests] + (election.map { [$0] } ?? []))
        }
    }

    /// The channel that stands for an exchange and a routing key.
    func channel(exchange: String, routingKey: String) -> String {
        configuration.keys.channel(
            exchange: exchange,
            routingKey: routingKey,
            database: configuration.broker.database
        )
    }

    /// One `PUBLISH` each, in one write.
    public func publish(_ messages: [BroadcastMessage]) async throws -> [Int] {
        let commands = messages.map {
            RedisCommand("PUBLISH", channel(exchange: $0.exchange, routingKey: $0.routingKey), $0.encode())
        }
        // What is published is news; a worker that stops must not wait long for a server that is silent.
        let replies = try await translating { () async throws(RedisError) in
            try await client.send(commands, timeout: .seconds(5))
        }
        return try replies.map { reply in
            if let error = reply.error { throw TransportError(error) }
            return reply.int ?? 0
        }
    }

    /// Looks the mailbox up in the bindings and pushes, in one step.
    public func reply(_ message: BroadcastMessage) async throws {
        let keys = configuration.keys
        var arguments = RedisArguments()
        arguments.append(message.routingKey)
        arguments.append(keys.separator)
        arguments.append(mailbox(message.exchange, message.routingKey))
        arguments.append(keys.prefix)
        arguments.append(message.encode())
        arguments.append(Self.mailboxTimeToLive)
        _ = try await run(Scripts.reply, keys: [keys.binding(exchange: message.exchange)], arguments: arguments)
    }

    /// The name Kombu gives a mailbox.
    private func mailbox(_ exchange: String, _ routingKey: String) -> String { routingKey + "." + exchange }

    /// Binds a mailbox as Kombu 5.7 does, with a deadline after which others may sweep the binding away.
    public func openMailbox(exchange: String, routingKey: String) async throws {
        let keys = configuration.keys
        let member = keys.bindingMember(routingKey: routingKey, queue: mailbox(exchange, routingKey))
        let deadline = Instant.now().microseconds / 1000 + 3_600_000
        try await all([
            RedisCommand("SADD", keys.binding(exchange: exchange), member),
            RedisCommand("ZADD", keys.bindingDeadlines, "GT", String(deadline), exchange),
        ])
    }

    /// Takes what has come and leaves nothing behind.
    public func closeMailbox(exchange: String, routingKey: String) async throws -> [[UInt8]] {
        let keys = configuration.keys
        let list = keys.prefix + mailbox(exchange, routingKey)
        let member = keys.bindingMember(routingKey: routingKey, queue: mailbox(exchange, routingKey))
        let replies = try await all([
            RedisCommand("SREM", keys.binding(exchange: exchange), member),
            RedisCommand("LRANGE", list, "0", "1000"),
            RedisCommand("DEL", list),
        ])
        return replies[1].array?.compactMap(\.bytes) ?? []
    }

    @discardableResult
    private func all(_ commands: [RedisCommand]) async throws -> [RedisReply] {
        let replies = try await translating { () async throws(RedisError) in try await client.send(commands) }
        for reply in replies { if let error = reply.error { throw TransportError(error) } }
        return replies
    }

    // MARK: Revoked tasks

    /// Remembers the ids in a bounded set and stores the records of tasks that have not begun, in one step.
    ///
    /// With the results on another server it is two steps, the ids first.
    public func revoke(_ revocations: [Revocation]) async throws {
        for start in stride(from: 0, to: revocations.count, by: 500) {
            let page = revocations[start..<min(start + 500, revocations.count)]
            guard let resultClient else {
                _ = try await run(
                    Scripts.revoke,
                    keys: [configuration.keys.revoked],
                    arguments: arguments(page, remembers: true, database: otherResultDatabase)
                )
                continue
            }
            let remembered = page.map { Revocation(taskID: $0.taskID, result: nil) }
            _ = try await run(
                Scripts.revoke,
                keys: [configuration.keys.revoked],
                arguments: arguments(remembered[...], remembers: true, database: nil)
            )
            let stored = arguments(page, remembers: false, database: nil)
            let key = configuration.keys.revoked
            _ = try await translating {
                () async throws(RedisError) in
                try await resultClient.run(Scripts.revoke, keys: [key], arguments: stored).get()
            }
        }
    }

    private func arguments(_ page: ArraySlice<Revocation>, remembers: Bool, database: Int?) -> RedisArguments {
        var arguments = RedisArguments()
        arguments.append(remembers ? String(configuration.revokedLimit) : "")
        arguments.append(configuration.revokedTimeToLive)
        arguments.append(database.map(String.init) ?? "")
        arguments.append(configuration.broker.database)
        for revocation in page {
            arguments.append(revocation.taskID)
            arguments.append(revocation.result.map { configuration.keys.result(taskID: $0.taskID) } ?? "")
            arguments.append(revocation.result?.timeToLive.map(String.init) ?? "")
            arguments.append(revocation.result?.record ?? [])
        }
        return arguments
    }

    /// Remembers stamps, bounded in number and time.
    public func revoke(stamps: [RevokedStamp]) async throws {
        guard !stamps.isEmpty else { return }
        let key = configuration.keys.revokedStamps
        let now = Instant.now().seconds
        var add = RedisCommand("ZADD", key)
        for stamp in stamps {
            add.append(String(now))
            add.append(JSONWriter.string(.array([.string(stamp.header), stamp.value])))
        }
        try await all([
            add,
            RedisCommand("ZREMRANGEBYSCORE", key, "-inf", String(now - Double(configuration.revokedTimeToLive))),
            RedisCommand("ZREMRANGEBYRANK", key, "0", String(-Self.mostStamps - 1)),
            RedisCommand("EXPIRE", key, String(configuration.revokedTimeToLive)),
        ])
    }

    /// What is remembered and not too old.
    public func revoked() async throws -> RevokedNames {
        let oldest = String(Instant.now().seconds - Double(configuration.revokedTimeToLive))
        let keys = configuration.keys
        let replies = try await all([
            RedisCommand("ZRANGEBYSCORE", keys.revoked, oldest, "+inf"),
            RedisCommand("ZRANGEBYSCORE", keys.revokedStamps, oldest, "+inf"),
        ])
        let stamps = replies[1].array?.compactMap { member -> RevokedStamp? in
            // Our own JSON; what somebody else put there is passed over.
            guard let bytes = member.bytes, let pair = (try? JSONReader.value(bytes))?.array, pair.count == 2,
                let header = pair[0].string
            else { return nil }
            return RevokedStamp(header: header, value: pair[1])
        }
        return RevokedNames(taskIDs: replies[0].array?.compactMap(\.text) ?? [], stamps: stamps ?? [])
    }

    // MARK: What clients ask about

    /// The parked messages of these queues that are due first.
    public func parked(queues: Set<String>, limit: Int) async throws -> [ParkedMessage] {
        let keys = configuration.keys
        let lists = Set(queues.flatMap { queue in keys.prioritySteps.map { keys.list(queue: queue, step: $0) } })
        var found: [ParkedMessage] = []
        // Other queues' messages stand between; they are looked at up to a bound.
        for page in 0..<20 where found.count < limit {
            let range = RedisCommand("ZRANGE", keys.parked, String(page * 500), String(page * 500 + 499), "WITHSCORES")
            let scored = try await all([range])[0].array ?? []
            let members = stride(from: 0, to: scored.count - 1, by: 2).compactMap { place -> (String, Double)? in
                guard let member = scored[place].text, let due = scored[place + 1].double else { return nil }
                return (member, due)
            }
            guard !members.isEmpty else { break }
            let held = try await all([RedisCommand("HMGET", arguments: [keys.parkedMessages] + members.map(\.0))])
            for ((_, due), stored) in zip(members, held[0].array ?? []) where found.count < limit {
                guard let bytes = stored.bytes, let cut = bytes.firstIndex(of: UInt8(ascii: "\n")),
                    lists.contains(String(decoding: bytes[..<cut], as: UTF8.self))
                else { continue }
                found.append(ParkedMessage(item: Array(bytes[(cut + 1)...]), due: Instant(seconds: due)))
            }
            if members.count < 500 { break }
        }
        return found
    }

    /// Binds a queue as Kombu declares one that stays.
    public func bind(_ binding: QueueBinding) async throws {
        let keys = configuration.keys
        let member = keys.bindingMember(routingKey: binding.routingKey, queue: binding.queue)
        try await all([
            RedisCommand("SADD", keys.binding(exchange: binding.exchange), member),
            RedisCommand("SADD", keys.permanentBinding(exchange: binding.exchange), member),
        ])
    }
}
