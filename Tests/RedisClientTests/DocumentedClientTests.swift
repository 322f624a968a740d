import Logging
import NIOCore
import NIOPosix
import RedisClient
import TestSupport
import Testing

actor Engine {
    nonisolated let executor: any SerialExecutor
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    init(client: RedisClient) { executor = client.eventLoop.executor }
}

extension Engine {
    func isOnLoop(of client: RedisClient) -> Bool { client.eventLoop.inEventLoop }
}

@Suite(.timeLimit(.minutes(1)))
struct `What the page on the Redis client shows` {
    private let loop = MultiThreadedEventLoopGroup.singleton.next()
    private let logger = Logger(label: "test")

    @Test func `commands, a batch and a script in a conversation`() async throws {
        try await withRedisServer(arguments: ["--requirepass", "password"]) { server in
            let url = "redis://:password@127.0.0.1:\(server.port)/0"
            let (key, body, index, held, tag, queue, worker) = ("key", "body", "index", "held", "tag", "queue", "w1")
            let script = RedisScript(name: "echo", source: "return {KEYS[1], ARGV[1], ARGV[2]}")

            let configuration = try RedisConfiguration(url: url)  // redis://:password@127.0.0.1:6379/0
            let client = RedisClient(configuration: configuration, eventLoop: loop, logger: logger)
            async let running: Void = client.run()  // connects, and connects again after each loss
            _ = try await client.send(RedisCommand("SETEX", key, 86_400, body))
            // Both leave in one write.
            let replies = try await client.send([RedisCommand("ZREM", index, tag), RedisCommand("HDEL", held, tag)])
            let claimed = try await client.run(script, keys: [queue], arguments: RedisArguments(64, worker)).array
            await client.close()
            try await running

            #expect(replies.map(\.int) == [0, 0])
            #expect(claimed?.map(\.text) == ["queue", "64", "w1"])
        }
    }

    @Test func `an actor on the client's loop`() async throws {
        let configuration = try RedisConfiguration(url: "redis://127.0.0.1:1/0")
        let client = RedisClient(configuration: configuration, eventLoop: loop, logger: logger)
        #expect(await Engine(client: client).isOnLoop(of: client))
        await client.close()
    }
}
