import NIOCore
import NIOPosix
import RedisClient
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(2)))
struct RedisFaultTests {
    @Test func `connects again after the server was killed and restarted`() async throws {
        try await withRedisServer { server in
            try await withClient(server.configuration()) { client, states async throws in
                _ = try await client.send(RedisCommand("PING"))
                await server.kill()
                #expect(try await states.nextLost().code == .connectionClosed)
                async let held = client.send(RedisCommand("ECHO", "held"))
                try await server.restart()
                try await states.nextConnected()
                #expect(try await held.text == "held")
                #expect(states.all.contains { if case .waiting = $0 { true } else { false } })
            }
        }
    }

    @Test func `fails what was in flight when the connection is cut, and connects again`() async throws {
        try await withClientBehindProxy { _, proxy, client, states async throws in
            proxy.swallow(true)
            let before = proxy.bytesToServer
            let inFlight = Task { try await client.send(RedisCommand("ECHO", "lost")) }
            try await eventually { proxy.bytesToServer > before }
            proxy.swallow(false)
            proxy.cut()
            await #expect(throws: RedisError(.connectionClosed, "")) { try await inFlight.value }
            try await states.nextConnected()
            #expect(try await client.send(RedisCommand("ECHO", "back")).text == "back")
        }
    }

    @Test func `survives being cut many times without mixing up replies`() async throws {
        try await withClientBehindProxy { _, proxy, client, states async throws in
            let (right, wrong, failed) = try await withThrowingTaskGroup(of: Bool?.self) { group in
                for worker in 0..<20 {
                    group.addTask {
                        for number in 0..<50 {
                            let mark = "\(worker).\(number)"
                            do {
                                guard try await client.send(RedisCommand("ECHO", mark)).text == mark else {
                                    return false
                                }
                            } catch let error as RedisError where error.code == .connectionClosed {
                                return nil
                            }
                        }
                        return true
                    }
                }
                for _ in 0..<10 {
                    proxy.cut()
                    try await states.nextConnected()
                }
                return try await group.reduce(into: (0, 0, 0)) { counts, outcome in
                    switch outcome {
                    case true: counts.0 += 1
                    case false: counts.1 += 1
                    case nil: counts.2 += 1
                    }
                }
            }
            #expect(wrong == 0)
            #expect(right + failed == 20)
            #expect(try await client.send(RedisCommand("ECHO", "end")).text == "end")
        }
    }

    @Test func `times out a command on a stalled connection and keeps the connection for a while`() async throws {
        try await withClientBehindProxy {
            $0.commandTimeout = .seconds(20)
        } _: { server, proxy, client, states async throws in
            server.pause()
            await #expect(throws: RedisError(.timeout, "")) {
                try await client.send(RedisCommand("ECHO", "late"), timeout: .milliseconds(50))
            }
            server.resume()
            // The late reply must not be taken for this one.
            #expect(try await client.send(RedisCommand("ECHO", "next")).text == "next")
            #expect(states.connections == 1)
        }
    }

    @Test func `replaces a connection that stays silent for the command timeout`() async throws {
        try await withClientBehindProxy {
            $0.commandTimeout = .milliseconds(200)
            $0.connectTimeout = .milliseconds(200)
        } _: { _, proxy, client, states async throws in
            proxy.swallow(true)
            await #expect(throws: RedisError(.timeout, "")) { try await client.send(RedisCommand("PING")) }
            #expect(try await states.nextLost().code == .timeout)
            // New connections get nowhere either.
            #expect(try await states.nextLost().code == .connectTimeout)
            proxy.swallow(false)
            try await states.nextConnected()
            #expect(try await client.send(RedisCommand("ECHO", "back"), timeout: .seconds(5)).text == "back")
        }
    }

    @Test func `asks for a sign of life when nothing was received for a while`() async throws {
        try await withClientBehindProxy {
            $0.keepAliveInterval = .milliseconds(20)
            $0.keepAliveTimeout = .seconds(60)
        } _: { _, proxy, client, states async throws in
            let before = proxy.bytesToServer
            try await eventually { proxy.bytesToServer >= before + 3 * RedisCommand("PING").wireBytes.count }
            #expect(try await client.send(RedisCommand("ECHO", "mine")).text == "mine")
            #expect(states.connections == 1)
        }
    }

    @Test func `replaces an idle connection that gives no sign of life`() async throws {
        try await withClientBehindProxy {
            $0.connectTimeout = .seconds(1)
            $0.keepAliveInterval = .milliseconds(50)
            $0.keepAliveTimeout = .seconds(1)
        } _: { _, proxy, _, states async throws in
            proxy.swallow(true)
            #expect(try await states.nextLost().code == .timeout)
            proxy.swallow(false)
            try await states.nextConnected()
        }
    }

    @Test func `gives up connecting to a server that accepts and says nothing`() async throws {
        try await withRedisServer { server in
            server.pause()
            let client = RedisClient(
                configuration: server.configuration { $0.connectTimeout = .milliseconds(100) },
                eventLoop: MultiThreadedEventLoopGroup.singleton.next(),
                logger: quiet
            )
            await #expect(throws: RedisError(.connectTimeout, "")) { try await client.connect() }
            await #expect(throws: RedisError(.connectionClosed, "")) { try await client.send(RedisCommand("PING")) }
            server.resume()
            await client.close()
            // The server itself is well.
            let side = try await server.sideClient()
            #expect(try await side.send(RedisCommand("PING")) == .status("PONG"))
            await side.close()
        }
    }

    @Test func `times out commands that never get a connection`() async throws {
        let client = RedisClient(
            configuration: RedisConfiguration(endpoint: .tcp(host: "127.0.0.1", port: try RedisServer.freePort())),
            eventLoop: MultiThreadedEventLoopGroup.singleton.next(),
            logger: quiet
        )
        let running = Task { try await client.run() }
        await #expect(throws: RedisError(.timeout, "")) {
            try await client.send(RedisCommand("PING"), timeout: .milliseconds(100))
        }
        await client.close()
        try await running.value
    }

    @Test func `waits for a server that is loading its data`() async throws {
        let server = try await RedisServer.start(arguments: ["--save", "3600 1", "--rdbcompression", "no"])
        let filler = try await server.sideClient()
        for number in 0..<300 {
            _ = try await filler.send(RedisCommand("SET", "key\(number)", [UInt8](repeating: 7, count: 4096)))
        }
        await filler.close()
        // Three milliseconds a key, looking at connections every kilobyte.
        let slowly = ["--key-load-delay", "3000", "--loading-process-events-interval-bytes", "1024"]
        try await server.restart(arguments: slowly, readyLine: "Server initialized")
        try await server.waitForLog("Loading RDB")
        let states = StateLog()
        let client = RedisClient(
            configuration: server.configuration(),
            eventLoop: MultiThreadedEventLoopGroup.singleton.next(),
            logger: quiet,
            onStateChange: states.observer
        )
        await #expect(throws: RedisError(.loading, "")) { try await client.connect() }
        #expect(try await states.nextLost().code == .loading)
        let running = Task { try await client.run() }
        // The first state that only somebody who keeps the client connected brings about.
        try await states.next { if case .waiting = $0 { true } else { false } }
        #expect(try await client.send(RedisCommand("STRLEN", "key299")).int == 4096)
        await client.close()
        try await running.value
        await server.stop()
    }

    @Test func `tells the caller that memory is full, and stays connected`() async throws {
        try await withRedisServer { server in
            try await withClient(server.configuration()) { client, states async throws in
                _ = try await client.send(RedisCommand("CONFIG", "SET", "maxmemory", 1))
                await #expect(throws: RedisError(.outOfMemory, "")) {
                    try await client.send(RedisCommand("SET", "k", "v"))
                }
                let script = RedisScript(name: "write", source: "return redis.call('SET', KEYS[1], 'v')")
                await #expect(throws: RedisError(.outOfMemory, "")) { try await client.run(script, keys: ["k"]) }
                _ = try await client.send(RedisCommand("CONFIG", "SET", "maxmemory", 0))
                #expect(try await client.send(RedisCommand("SET", "k", "v")) == .status("OK"))
                #expect(states.connections == 1)
            }
        }
    }

    @Test func `leaves a replica that refuses to write`() async throws {
        let nowhere = try RedisServer.freePort()
        try await withRedisServer(arguments: ["--replicaof", "127.0.0.1 \(nowhere)"]) { server in
            try await withClient(server.configuration()) { client, states async throws in
                // What was sent along with the refused write is still answered.
                async let read = client.send(RedisCommand("GET", "k"))
                let replies = try await client.send([RedisCommand("SET", "k", "v"), RedisCommand("GET", "k")])
                #expect(replies.first?.error?.code == .readOnly)
                #expect(replies.last == .null)
                #expect(try await read == .null)
                #expect(try await states.nextLost().code == .readOnly)
                try await states.nextConnected()

                // The replica becomes a master, as in a failover.
                _ = try await client.send(RedisCommand("REPLICAOF", "NO", "ONE"))
                #expect(try await client.send(RedisCommand("SET", "k", "v")) == .status("OK"))
            }
        }
    }

    @Test func `does not stay with a replica that lost its master`() async throws {
        let nowhere = try RedisServer.freePort()
        let arguments = ["--replicaof", "127.0.0.1 \(nowhere)", "--replica-serve-stale-data", "no"]
        try await withRedisServer(arguments: arguments) { server in
            let states = StateLog()
            let client = RedisClient(
                configuration: server.configuration(),
                eventLoop: MultiThreadedEventLoopGroup.singleton.next(),
                logger: quiet,
                onStateChange: states.observer
            )
            await #expect(throws: RedisError(.masterDown, "")) { try await client.connect() }
            #expect(states.connections == 0)
            await client.close()
        }
    }

    @Test func `takes a full server for a passing state`() async throws {
        try await withRedisServer(arguments: ["--maxclients", "1"]) { server in
            let first = try await server.sideClient()
            let second = RedisClient(
                configuration: server.configuration(),
                eventLoop: MultiThreadedEventLoopGroup.singleton.next(),
                logger: quiet
            )
            do throws(RedisError) {
                try await second.connect()
                Issue.record("a second client was accepted")
            } catch {
                // The server's explanation may be lost when its reset overtakes it; what matters is to try again.
                #expect(error.isTransient)
            }
            await first.close()
            await second.close()
        }
    }

    @Test func `does not take another protocol for Redis`() async throws {
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(WebServer()) }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let client = RedisClient(
            configuration: RedisConfiguration(
                endpoint: .tcp(host: "127.0.0.1", port: listener.localAddress?.port ?? 0)
            ),
            eventLoop: MultiThreadedEventLoopGroup.singleton.next(),
            logger: quiet
        )
        await #expect(throws: RedisError(.protocolError, "")) { try await client.connect() }
        await client.close()
        try await listener.close()
    }

    @Test func `ends a connection whose reply is too large, and nothing more`() async throws {
        try await withRedisServer { server in
            let configuration = server.configuration { $0.maximumReplyBytes = 100_000 }
            try await withClient(configuration) { client, states async throws in
                _ = try await client.send(RedisCommand("SETRANGE", "large", 200_000, "x"))
                await #expect(throws: RedisError(.connectionClosed, "")) {
                    try await client.send(RedisCommand("GET", "large"))
                }
                #expect(try await states.nextLost().code == .protocolError)
                #expect(try await client.send(RedisCommand("STRLEN", "large")).int == 200_001)
            }
        }
    }
}

/// Answers anything with a complaint in HTTP.
private final class WebServer: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let answer = ByteBuffer(string: "HTTP/1.1 400 Bad Request\r\n\r\n")
        context.channel.writeAndFlush(answer, promise: nil)
    }
}

/// Looks every millisecond until the condition holds; the suite's time limit is the bound.
func eventually(_ condition: () -> Bool) async throws {
    while !condition() {
        try Task.checkCancellation()
        try await Task.sleep(for: .milliseconds(1))
    }
}
