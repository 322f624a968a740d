import CeleryMessage
import Logging
import NIOCore
import NIOPosix
import RedisClient
import Synchronization
import TestSupport
import Testing
import Transport

@testable import RedisTransport

/// A private server with a plain client to look at it, and the brokers a test makes.
final class Deployment: Sendable {
    let server: RedisServer
    let raw: RedisClient
    private let brokers = Mutex<[RedisBroker]>([])

    private init(server: RedisServer, raw: RedisClient) {
        self.server = server
        self.raw = raw
    }

    static func with(arguments: [String] = [], _ body: (Deployment) async throws -> Void) async throws {
        try await withRedisServer(arguments: arguments) { server in
            let raw = try await client(server)
            let deployment = Deployment(server: server, raw: raw)
            let outcome: Result<Void, any Error>
            do { outcome = .success(try await body(deployment)) } catch { outcome = .failure(error) }
            for broker in deployment.brokers.withLock({ $0 }) { await broker.stop() }
            await raw.close()
            try outcome.get()
        }
    }

    /// A client that does not reconnect, on database `database`.
    static func client(_ server: RedisServer, database: Int = 0) async throws -> RedisClient {
        let client = RedisClient(
            configuration: try configuration(server, database: database),
            eventLoop: MultiThreadedEventLoopGroup.singleton.next(),
            logger: Logger(label: "raw")
        )
        try await client.connect()
        return client
    }

    static func configuration(_ server: RedisServer, database: Int = 0) throws -> RedisConfiguration {
        try RedisConfiguration(url: "redis://127.0.0.1:\(server.port)/\(database)")
    }

    /// Makes and starts a broker; it is stopped with the deployment.
    func broker(
        _ id: String = Identifier.uuid(),
        queues: [String] = [],
        notices: NoticeLog = NoticeLog(),
        logger: Logger = Logger(label: "broker"),
        change: (inout RedisTransportConfiguration) throws -> Void = { _ in }
    ) async throws -> RedisBroker {
        var configuration = RedisTransportConfiguration(
            broker: try Self.configuration(server),
            results: try Self.configuration(server)
        )
        configuration.queueOrder = .priority
        configuration.beatsBetweenLooks = 1
        try change(&configuration)
        let broker = RedisBroker(
            configuration: configuration,
            workerID: id,
            eventLoop: MultiThreadedEventLoopGroup.singleton.next(),
            logger: logger
        )
        brokers.withLock { $0.append(broker) }
        try await broker.start(queues: queues) { notices.add($0) }
        // One with the connection, one when tracking is redirected to the subscriber: from here on nothing is forgotten.
        await notices.wake(after: 1)
        return broker
    }

    /// Sends a command; an error reply is thrown.
    @discardableResult
    func run(_ name: String, _ arguments: String...) async throws -> RedisReply {
        try await raw.send(RedisCommand(name, arguments: arguments)).get()
    }

    func texts(_ name: String, _ arguments: String...) async throws -> [String] {
        try await raw.send(RedisCommand(name, arguments: arguments)).get().array?.compactMap(\.text) ?? []
    }

    func text(_ name: String, _ arguments: String...) async throws -> String? {
        try await raw.send(RedisCommand(name, arguments: arguments)).get().text
    }

    func int(_ name: String, _ arguments: String...) async throws -> Int {
        try #require(try await raw.send(RedisCommand(name, arguments: arguments)).get().int)
    }
}

/// What a broker said, to wait on.
final class NoticeLog: Sendable {
    private struct State {
        var notices: [BrokerNotice] = []
        var waiters: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
        var paused: Set<String>?
        var pauseWaiters: [(names: Set<String>, continuation: CheckedContinuation<Void, Never>)] = []
    }

    private let state = Mutex(State())

    func add(_ notice: BrokerNotice) {
        let ready = state.withLock { state in
            state.notices.append(notice)
            if case .paused(let names) = notice {
                state.paused = names
                let ready = state.pauseWaiters.filter { $0.names == names }
                state.pauseWaiters.removeAll { $0.names == names }
                return ready.map { (count: 0, continuation: $0.continuation) }
            }
            let wakes = state.notices.count { $0.isWake }
            let ready = state.waiters.filter { $0.count <= wakes }
            state.waiters.removeAll { $0.count <= wakes }
            return ready
        }
        for waiter in ready { waiter.continuation.resume() }
    }

    var wakes: Int { state.withLock { $0.notices.count { $0.isWake } } }

    /// Waits until these are said to be the paused queues.
    func paused(_ names: Set<String>) async {
        await withCheckedContinuation { continuation in
            let isReady = state.withLock { state in
                if state.paused == names { return true }
                state.pauseWaiters.append((names, continuation))
                return false
            }
            if isReady { continuation.resume() }
        }
    }

    /// Waits until there were more wake-ups than this.
    func wake(after count: Int) async {
        await withCheckedContinuation { continuation in
            let isReady = state.withLock { state in
                if state.notices.count(where: { $0.isWake }) > count { return true }
                state.waiters.append((count + 1, continuation))
                return false
            }
            if isReady { continuation.resume() }
        }
    }
}

extension BrokerNotice {
    var isWake: Bool { if case .wake = self { true } else { false } }
}

/// A message's list item.
func item(_ id: String, queue: String = "celery", priority: Int = 0) throws -> [UInt8] {
    var message = TaskMessage(task: "proj.add", id: id, args: [1, 2], queue: queue, origin: "gen1@test")
    message.properties.priority = priority
    return try message.encode()
}

func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

/// The task ids of items, in their order.
func ids(_ items: [[UInt8]]) -> [String] {
    items.map { (try? JSONReader.value($0))?["headers"]?["id"]?.string ?? "?" }
}

func ids(_ result: ClaimResult) -> [String] { ids(result.deliveries.map(\.item)) }

/// What becomes of a message with which nothing is to happen.
@Sendable func nothing(for delivery: Delivery) -> Commit {
    Commit(tag: delivery.tag, acknowledges: true, effects: [])
}

/// A request for everything in these queues.
func everything(_ queues: String..., limit: Int = 64) -> ClaimRequest {
    ClaimRequest(queues: queues.map { .init(name: $0, room: 64, pool: 0) }, rooms: [64], limit: limit)
}

func record(_ id: String, _ status: TaskState) -> StoredResult {
    StoredResult(
        taskID: id,
        record: ResultRecord(taskID: id, status: status, result: Array("1".utf8)).encoded(),
        timeToLive: 60
    )
}
