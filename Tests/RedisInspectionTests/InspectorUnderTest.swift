import CeleryMessage
import Inspection
import Logging
import NIOPosix
import RedisClient
import RedisTransport
import TestSupport

@testable import RedisInspection

/// An inspector on a Redis of the test's own, and a client that plays producers and workers.
struct InspectorUnderTest {
    let inspector: RedisInspector
    let client: RedisClient
    let keys: RedisKeys
    let server: RedisServer

    /// A worker's connection to the same server, without queues; whoever starts it stops it.
    func startBroker() async throws -> RedisBroker {
        let broker = RedisBroker(
            configuration: RedisTransportConfiguration(
                broker: try RedisConfiguration(url: server.url),
                results: nil,
                keys: keys
            ),
            eventLoop: client.eventLoop,
            logger: inspector.logger
        )
        try await broker.start(queues: []) { _ in }
        return broker
    }

    static func run(
        queues: [String] = ["pdf", "email"],
        keys: RedisKeys = RedisKeys(),
        _ body: (InspectorUnderTest) async throws -> Void
    ) async throws {
        try await withRedisServer { server in
            var logger = Logger(label: "test")
            logger.logLevel = .critical
            let loop = MultiThreadedEventLoopGroup.singleton.next()
            let redis = try RedisConfiguration(url: server.url)
            let client = RedisClient(configuration: redis, eventLoop: loop, logger: logger)
            try await client.connect()
            var configuration = RedisInspectionConfiguration(
                transport: RedisTransportConfiguration(broker: redis, results: redis, keys: keys),
                queues: queues
            )
            configuration.lookPause = .milliseconds(1)
            let inspector = RedisInspector(configuration: configuration, eventLoop: loop, logger: logger)
            try await inspector.connect()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await inspector.run() }
                let test = InspectorUnderTest(inspector: inspector, client: client, keys: keys, server: server)
                do {
                    try await body(test)
                } catch {
                    await test.close()
                    throw error
                }
                await test.close()
                try await group.waitForAll()
            }
        }
    }

    private func close() async {
        await inspector.close()
        await client.close()
    }

    /// An item as Celery writes it.
    static func item(_ id: String, queue: String, retries: Int = 0) throws -> [UInt8] {
        var message = TaskMessage(task: "proj.add", id: id, args: [1, "\"id\": \"not me\""], queue: queue)
        message.headers.retries = retries
        return try message.encode()
    }

    @discardableResult
    func push(_ id: String, to queue: String, priority: Int = 0, retries: Int = 0) async throws -> RedisReply {
        let list = keys.list(queue: queue, step: keys.step(priority: priority))
        return try await client.send(RedisCommand("LPUSH", list, Self.item(id, queue: queue, retries: retries)))
    }

    func find(_ id: String) async throws -> SearchOutcome {
        try await inspector.find(taskID: id, thoroughly: true)
    }
}
