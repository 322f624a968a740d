import NIOPosix
import RedisClient
import Synchronization
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(2)))
struct RedisSubscriberTests {
    @Test func `receives messages by channel and by pattern, in order`() async throws {
        try await withSubscriber { server, client, subscriber, pushes, _ async throws in
            try await subscriber.subscribe(["news", "other"])
            try await subscriber.psubscribe(["ev.*"])
            _ = try await client.send([
                RedisCommand("PUBLISH", "news", [UInt8(0), 255]), RedisCommand("PUBLISH", "ev.task", "x"),
                RedisCommand("PUBLISH", "nobody", "y"), RedisCommand("PUBLISH", "other", "z"),
            ])
            #expect(await pushes.next() == .message(channel: "news", payload: [0, 255]))
            #expect(
                await pushes.next() == .patternMessage(pattern: "ev.*", channel: "ev.task", payload: Array("x".utf8))
            )
            #expect(await pushes.next() == .message(channel: "other", payload: Array("z".utf8)))
        }
    }

    @Test func `ends subscriptions`() async throws {
        try await withSubscriber { _, client, subscriber, pushes, _ in
            try await subscriber.subscribe(["a", "b"])
            try await subscriber.psubscribe(["c*"])
            try await subscriber.unsubscribe(["a"])
            try await subscriber.punsubscribe(["c*"])
            #expect(try await client.send(RedisCommand("PUBLISH", "a", "1")) == .integer(0))
            #expect(try await client.send(RedisCommand("PUBLISH", "c1", "1")) == .integer(0))
            #expect(try await client.send(RedisCommand("PUBLISH", "b", "1")) == .integer(1))
            #expect(await pushes.next() == .message(channel: "b", payload: [49]))
            try await subscriber.unsubscribe(["b"])
            try await subscriber.subscribe(["a"])
            #expect(try await client.send(RedisCommand("PUBLISH", "a", "2")) == .integer(1))
        }
    }

    @Test func `subscribes again after a reconnect`() async throws {
        try await withSubscriber { _, client, subscriber, pushes, states in
            try await subscriber.subscribe(["news"])
            try await subscriber.psubscribe(["p*"])
            let first = try #require(subscriber.clientID)
            _ = try await client.send(RedisCommand("CLIENT", "KILL", "ID", first))
            let second = try await states.nextConnected()
            #expect(second != first)
            #expect(subscriber.clientID == second)
            _ = try await client.send([RedisCommand("PUBLISH", "news", "1"), RedisCommand("PUBLISH", "p1", "2")])
            #expect(await pushes.next() == .message(channel: "news", payload: [49]))
            #expect(await pushes.next() == .patternMessage(pattern: "p*", channel: "p1", payload: [50]))
        }
    }

    @Test func `notes a subscription before the first connection`() async throws {
        try await withRedisServer { server in
            let pushes = PushLog()
            let subscriber = makeSubscriber(server, pushes, StateLog())
            try await subscriber.subscribe(["early"])
            try await subscriber.connect()
            let side = try await server.sideClient()
            #expect(try await side.send(RedisCommand("PUBLISH", "early", "x")) == .integer(1))
            #expect(await pushes.next() == .message(channel: "early", payload: [120]))
            await side.close()
            await subscriber.close()
            #expect(subscriber.clientID == nil)
        }
    }

    @Test func `gives up a subscription that the server refuses`() async throws {
        try await withRedisServer(arguments: [
            "--user", "default", "on", "nopass", "~*", "+@all", "resetchannels", "&open",
        ]) { server in
            let states = StateLog()
            let subscriber = makeSubscriber(server, PushLog(), states)
            try await subscriber.connect()
            await #expect(throws: RedisError(.noPermission, "")) { try await subscriber.subscribe(["shut", "open"]) }
            try await subscriber.subscribe(["open"])
            let side = try await server.sideClient()
            #expect(try await side.send(RedisCommand("PUBLISH", "open", "x")) == .integer(1))
            await side.close()
            await subscriber.close()
        }
    }

    @Test func `stays alive by PING while subscribed`() async throws {
        try await withRedisServer { server in
            let states = StateLog()
            let configuration = server.configuration {
                $0.keepAliveInterval = .milliseconds(20)
                $0.keepAliveTimeout = .seconds(5)
            }
            let subscriber = makeSubscriber(server, PushLog(), states, configuration)
            try await subscriber.subscribe(["quiet"])
            try await subscriber.connect()
            let side = try await server.sideClient()
            var pings = 0
            while pings < 5 {
                let stats = try await side.send(RedisCommand("INFO", "commandstats")).text ?? ""
                let calls = stats.split(separator: "cmdstat_ping:calls=").dropFirst().first?.prefix { $0.isNumber }
                pings = calls.flatMap { Int($0) } ?? 0
            }
            #expect(states.connections == 1)
            await side.close()
            await subscriber.close()
        }
    }

    @Test func `is told about changed keys by client tracking`() async throws {
        try await withTracking { server, client, _, pushes, _ async throws in
            let side = try await server.sideClient()
            _ = try await client.send(RedisCommand("LLEN", "queue"))
            _ = try await side.send(RedisCommand("LPUSH", "queue", "x"))
            #expect(await pushes.next() == .invalidated(keys: ["queue"]))

            // Reads inside scripts count as well, of keys that do not exist yet too.
            let peek = RedisScript(name: "peek", source: "return redis.call('LLEN', KEYS[1])")
            _ = try await client.run(peek, keys: ["later"])
            _ = try await side.send(RedisCommand("LPUSH", "later", "x"))
            #expect(await pushes.next() == .invalidated(keys: ["later"]))

            // Own changes do not.
            _ = try await client.send([RedisCommand("LLEN", "own"), RedisCommand("LPUSH", "own", "x")])
            _ = try await client.send(RedisCommand("LLEN", "end"))
            _ = try await side.send(RedisCommand("FLUSHDB"))
            #expect(await pushes.next() == .invalidated(keys: nil))
            await side.close()
        }
    }

    @Test func `tracks again after either connection was replaced`() async throws {
        try await withTracking { server, client, subscriber, pushes, states async throws in
            let side = try await server.sideClient()

            let id = try await client.send(RedisCommand("CLIENT", "ID")).int ?? 0
            _ = try await side.send(RedisCommand("CLIENT", "KILL", "ID", id))
            _ = try? await client.send(RedisCommand("PING"))
            _ = try await client.send(RedisCommand("GET", "a"))
            _ = try await side.send(RedisCommand("SET", "a", 1))
            #expect(await pushes.next() == .invalidated(keys: ["a"]))

            _ = try await side.send(RedisCommand("CLIENT", "KILL", "ID", try #require(subscriber.clientID)))
            try await states.nextConnected()
            try await client.prepareAgain()
            _ = try await client.send(RedisCommand("GET", "b"))
            _ = try await side.send(RedisCommand("SET", "b", 1))
            #expect(await pushes.next() == .invalidated(keys: ["b"]))
            await side.close()
        }
    }

    @Test func `goes on without tracking where the server refuses it`() async throws {
        try await withRedisServer(arguments: [
            "--user", "default", "on", "nopass", "~*", "&*", "+@all", "-client|tracking",
        ]) { server in
            let subscriber = makeSubscriber(server, PushLog(), StateLog())
            try await subscriber.connect()
            let refusals = Counter()
            let tracking = RedisSetup.tracking(redirectedTo: subscriber) { error in
                #expect(error.code == .noPermission)
                _ = refusals.next()
            }
            try await withClient(server.configuration(), setup: [tracking]) { client, _ async throws in
                let reply = try await client.send(RedisCommand("PING"))
                #expect(reply == .status("PONG"))
            }
            #expect(refusals.next() == 2)
            await subscriber.close()
        }
    }

    private func withTracking(
        _ body: (RedisServer, RedisClient, RedisSubscriber, PushLog, StateLog) async throws -> Void
    ) async throws {
        try await withRedisServer { server in
            let (pushes, states) = (PushLog(), StateLog())
            let subscriber = makeSubscriber(server, pushes, states)
            let running = Task { try await subscriber.run() }
            try await withClient(server.configuration(), setup: [.tracking(redirectedTo: subscriber)]) {
                client,
                _ async throws in
                try await states.nextConnected()
                try await body(server, client, subscriber, pushes, states)
            }
            await subscriber.close()
            try await running.value
        }
    }

    private func withSubscriber(
        _ body: (RedisServer, RedisClient, RedisSubscriber, PushLog, StateLog) async throws -> Void
    ) async throws {
        try await withRedisServer { server in
            let (pushes, states) = (PushLog(), StateLog())
            let subscriber = makeSubscriber(server, pushes, states)
            let running = Task { try await subscriber.run() }
            try await states.nextConnected()
            let side = try await server.sideClient()
            try await body(server, side, subscriber, pushes, states)
            await side.close()
            await subscriber.close()
            try await running.value
        }
    }

    private func makeSubscriber(
        _ server: RedisServer,
        _ pushes: PushLog,
        _ states: StateLog,
        _ configuration: RedisConfiguration? = nil
    ) -> RedisSubscriber {
        RedisSubscriber(
            configuration: configuration ?? server.configuration(),
            eventLoop: MultiThreadedEventLoopGroup.singleton.next(),
            logger: quiet,
            onMessage: pushes.observer,
            onStateChange: states.observer
        )
    }
}

/// The pushes that arrived, to wait for one by one.
final class PushLog: Sendable {
    private let stream: AsyncStream<RedisPush>
    private let continuation: AsyncStream<RedisPush>.Continuation

    init() { (stream, continuation) = AsyncStream.makeStream() }

    var observer: @Sendable (RedisPush) -> Void {
        { self.continuation.yield($0) }
    }

    func next() async -> RedisPush? {
        for await push in stream { return push }
        return nil
    }
}
