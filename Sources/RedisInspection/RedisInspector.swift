import CeleryMessage
package import Inspection
package import Logging
package import NIOCore
import RedisClient
import RedisTransport
package import Transport

/// Looks into a deployment on Redis as any other client would: it holds no messages and counts as no worker.
///
/// One connection for commands, one for pub/sub; another for commands where the results are on another server or in another
/// database.
package final class RedisInspector: Sendable {
    /// How it looks.
    package let configuration: RedisInspectionConfiguration
    let broker: RedisClient
    /// Whether the broker's connection is up.
    let connection: ConnectionFlag
    /// Where results are; `nil` when the deployment stores none.
    let results: RedisClient?
    let logger: Logger
    private let feed: RedisResultFeed?
    private let snapshots: SnapshotCache<QueueSnapshot>

    private var keys: RedisKeys { configuration.transport.keys }

    /// Prepares connections without opening them.
    package init(configuration: RedisInspectionConfiguration, eventLoop: any EventLoop, logger: Logger) {
        let transport = configuration.transport
        let connection = ConnectionFlag()
        let broker = RedisClient(configuration: transport.broker, eventLoop: eventLoop, logger: logger) { state in
            if case .connected = state { connection.isUp = true } else { connection.isUp = false }
        }
        self.connection = connection
        self.configuration = configuration
        self.broker = broker
        self.logger = logger
        results = transport.results.map { server in
            server.redactedURL == transport.broker.redactedURL
                ? broker : RedisClient(configuration: server, eventLoop: eventLoop, logger: logger)
        }
        feed = transport.results.map {
            RedisResultFeed(configuration: $0, keys: transport.keys, eventLoop: eventLoop, logger: logger)
        }
        snapshots = SnapshotCache(pause: configuration.lookPause) {
            try await Self.look(configuration, broker)
        }
    }

    /// Looks with another configuration over the connections of an inspector, which stays the one that keeps and ends them.
    private init(_ other: RedisInspector, _ configuration: RedisInspectionConfiguration) {
        self.configuration = configuration
        connection = other.connection
        broker = other.broker
        results = other.results
        logger = other.logger
        feed = other.feed
        snapshots = SnapshotCache(pause: configuration.lookPause) { [broker] in
            try await Self.look(configuration, broker)
        }
    }

    /// The same connections, with other queues and plans of tenants.
    ///
    /// Only the inspector that connected is to be run and closed.
    package func looking(into queues: [String], tenants: TenantPlans?) -> RedisInspector {
        var configuration = configuration
        configuration.queues = queues
        configuration.tenants = tenants
        return RedisInspector(self, configuration)
    }

    // MARK: Connections

    /// Connects once, so that a wrong password is known before anything is served.
    ///
    /// - Throws: `refused` for what waiting does not mend; a server that is away is no error, it is waited for.
    package func connect() async throws {
        var told: Set<String> = []
        for client in [broker, results].compactMap(\.self) {
            do throws(RedisError) {
                try await client.connect()
            } catch {
                guard error.isTransient else { throw InspectionError(.refused, error.message) }
                // Broker and results are the same server more often than not.
                if told.insert(error.message).inserted {
                    logger.warning("\(error.message). Going on without it, and trying again")
                }
            }
        }
    }

    /// Keeps the connections until ``close()`` or until its task is cancelled.
    package func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.broker.keepConnected(self.logger) }
            if let results, results !== broker {
                group.addTask { await results.keepConnected(self.logger) }
            }
            if let feed {
                group.addTask { await feed.run(lookEvery: self.configuration.followerInterval) }
            }
        }
    }

    /// Disconnects for good.
    package func close() async {
        await feed?.close()
        await broker.close()
        await results?.close()
    }

    // MARK: Talking

    func send(_ commands: [RedisCommand], to client: RedisClient) async throws -> [RedisReply] {
        try await translating { () async throws(RedisError) in
            try await client.send(commands, timeout: configuration.timeout)
        }
    }

    func translating<Value>(_ body: () async throws(RedisError) -> Value) async throws -> Value {
        do {
            return try await body()
        } catch {
            throw InspectionError(error)
        }
    }

    private static func look(
        _ configuration: RedisInspectionConfiguration,
        _ client: RedisClient
    ) async throws -> QueueSnapshot {
        let keys = configuration.transport.keys
        let (lists, arguments) = QueueSnapshot.request(queues: configuration.queues, keys: keys, .init())
        let reply: RedisReply
        do throws(RedisError) {
            reply = try await client.run(
                Scripts.look,
                keys: lists,
                arguments: arguments,
                timeout: configuration.timeout
            ).get()
        } catch {
            throw InspectionError(error)
        }
        guard let snapshot = QueueSnapshot(reply, queues: configuration.queues, keys: keys) else {
            throw InspectionError(.undecodable, "the look script answered something unexpected")
        }
        return snapshot
    }
}

extension RedisInspector: TaskReading {
    package func record(taskID: String) async throws -> StoredRecord? {
        guard let results else { throw InspectionError(.noResultBackend, "there is no result backend") }
        let key = keys.result(taskID: taskID)
        let replies = try await send([RedisCommand("GET", key), RedisCommand("PTTL", key)], to: results)
        return try await translating { () async throws(RedisError) in
            guard let bytes = try replies[0].get().bytes else { return nil }
            // Below zero: no time to live, or gone between the two.
            let left = replies[1].int.flatMap { $0 > 0 ? Duration.milliseconds($0) : nil }
            return StoredRecord(bytes: bytes, timeToLive: left)
        }
    }

    package func find(taskID: String, thoroughly: Bool) async throws -> SearchOutcome {
        let asked = ContinuousClock.now
        let (snapshot, startedAt) = try await snapshots.snapshot(
            since: thoroughly ? asked : asked - configuration.lookLifetime
        )
        guard var place = snapshot.places[taskID] else {
            return snapshot.isComplete && startedAt >= asked ? .nowhere : .notSeen
        }
        if case .parked = place.place, let member = snapshot.parkedMembers[taskID] {
            try await complete(&place, parked: member)
        }
        return .found(place)
    }

    /// A parked message alone knows its queue.
    private func complete(_ place: inout Whereabouts, parked member: String) async throws {
        let replies = try await send([RedisCommand("HGET", keys.parkedMessages, member)], to: broker)
        guard let stored = replies.first?.bytes, let end = stored.firstIndex(of: UInt8(ascii: "\n")) else { return }
        let list = String(decoding: stored[..<end], as: UTF8.self)
        let name = list.hasPrefix(keys.prefix) ? String(list.dropFirst(keys.prefix.count)) : list
        place.queue = name.firstRange(of: keys.separator).map { String(name[..<$0.lowerBound]) } ?? name
        let envelope = try? JSONReader.value(Array(stored[(end + 1)...]))  // whatever it is, it has been parked
        place.retries = envelope?["headers"]?["retries"]?.int.map(Int.init(truncatingIfNeeded:))
    }

    package func ping() async throws {
        for client in [broker, results].compactMap(\.self) {
            _ = try await send([RedisCommand("PING")], to: client)
        }
    }
}

extension RedisInspector: ResultFeed {
    package func changes(of taskID: String) async throws -> ResultChanges {
        guard let feed else { throw InspectionError(.noResultBackend, "there is no result backend") }
        return try await feed.changes(of: taskID)
    }
}

extension InspectionError {
    init(_ error: RedisError) { self.init(error.isTransient ? .unavailable : .refused, error.message) }
}
