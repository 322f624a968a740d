import NIOCore
import NIOPosix
import RedisClient
import Synchronization
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(2)))
struct RedisClientTests {
    @Test func `sends commands and reads every kind of reply`() async throws {
        try await withRedisServer { server in
            try await withClient(server.configuration()) { client, _ async throws in
                #expect(try await client.send(RedisCommand("SET", "k", [UInt8(0), 13, 10, 255])) == .status("OK"))
                #expect(try await client.send(RedisCommand("GET", "k")) == .string([0, 13, 10, 255]))
                #expect(try await client.send(RedisCommand("GET", "missing")) == .null)
                #expect(try await client.send(RedisCommand("RPUSH", "l", "a", "b")) == .integer(2))
                #expect(try await client.send(RedisCommand("LRANGE", "l", 0, -1)).array?.map(\.text) == ["a", "b"])
                #expect(try await client.send(RedisCommand("LRANGE", "none", 0, -1)) == .array([]))
            }
        }
    }

    @Test func `throws an error reply, and returns it within a batch`() async throws {
        try await withRedisServer { server in
            try await withClient(server.configuration()) { client, states async throws in
                await #expect(throws: RedisError(.server("ERR"), "")) {
                    try await client.send(RedisCommand("NONSENSE"))
                }
                let replies = try await client.send([
                    RedisCommand("SET", "s", "text"), RedisCommand("LPUSH", "s", "x"), RedisCommand("GET", "s"),
                ])
                #expect(replies.count == 3)
                #expect(replies[1].error?.code == .wrongType)
                #expect(replies[2].text == "text")
                #expect(try await client.send([]) == [])
                #expect(states.connections == 1)
            }
        }
    }

    @Test func `carries large values and large batches`() async throws {
        try await withRedisServer { server in
            try await withClient(server.configuration()) { client, _ async throws in
                let large = [UInt8](repeating: 7, count: 20 << 20)
                _ = try await client.send(RedisCommand("SET", "large", large))
                #expect(try await client.send(RedisCommand("GET", "large")).bytes == large)
                let replies = try await client.send((0..<20_000).map { RedisCommand("ECHO", $0) })
                #expect(replies.compactMap(\.int) == Array(0..<20_000))
            }
        }
    }

    @Test func `gives every concurrent caller its own reply`() async throws {
        try await withRedisServer { server in
            try await withClient(server.configuration()) { client, _ async throws in
                let wrong = try await withThrowingTaskGroup(of: Bool.self) { group in
                    for number in 0..<2000 {
                        group.addTask { try await client.send(RedisCommand("ECHO", number)).int != number }
                    }
                    return try await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
                }
                #expect(wrong == 0)
            }
        }
    }

    @Test func `writes the commands of one turn of the loop at once`() async throws {
        try await withRedisServer { server in
            try await withClient(server.configuration()) { client, _ async throws in
                let engine = LoopEngine(client)
                let before = try await reads(client)
                let replies = try await engine.sendTogether(300)
                let after = try await reads(client)
                #expect(replies == Array(0..<300))
                // One read for the commands, one for each INFO; single writes would have been hundreds.
                #expect(after - before <= 4)
            }
        }
    }

    @Test func `stays on the loop of a caller that runs there`() async throws {
        try await withRedisServer { server in
            try await withClient(server.configuration()) { client, _ async throws in
                let stays = try await LoopEngine(client).staysOnLoop()
                #expect(stays)
            }
        }
    }

    @Test func `runs scripts by digest and sends the source where it is unknown`() async throws {
        try await withRedisServer { server in
            try await withClient(server.configuration()) { client, _ async throws in
                let script = RedisScript(name: "pair", source: "return {KEYS[1], ARGV[1], ARGV[2]}")
                for _ in 0..<2 {
                    let reply = try await client.run(script, keys: ["k"], arguments: RedisArguments("a", 2))
                    #expect(reply.array?.map(\.text) == ["k", "a", "2"])
                }
                #expect(try await client.send(RedisCommand("SCRIPT", "EXISTS", script.sha1)) == .array([.integer(1)]))
                _ = try await client.send(RedisCommand("SCRIPT", "FLUSH"))
                #expect(try await client.run(script, keys: RedisArguments([UInt8(255)])).array?.first?.bytes == [255])
                let calls = try await client.send(RedisCommand("INFO", "commandstats")).text ?? ""
                #expect(calls.contains("cmdstat_eval:calls=2"))
            }
        }
    }

    @Test func `throws what a script raises`() async throws {
        try await withRedisServer { server in
            try await withClient(server.configuration()) { client, _ async throws in
                let script = RedisScript(name: "bad", source: "return redis.error_reply('MINE sorry')")
                await #expect(throws: RedisError(.server("MINE"), "")) { try await client.run(script, keys: []) }
            }
        }
    }

    @Test func `selects the database and names the connection`() async throws {
        try await withRedisServer { server in
            let configuration = server.configuration {
                $0.database = 7
                $0.clientName = "celeriac-test"
            }
            try await withClient(configuration) { client, _ async throws in
                _ = try await client.send(RedisCommand("SET", "here", "x"))
                let info = try await client.send(RedisCommand("CLIENT", "INFO")).text ?? ""
                #expect(info.contains("db=7"))
                #expect(info.contains("name=celeriac-test"))
            }
            let side = try await server.sideClient()
            #expect(try await side.send(RedisCommand("EXISTS", "here")) == .integer(0))
            await side.close()
        }
    }

    @Test func `refuses a database that does not exist`() async throws {
        try await withRedisServer { server in
            let error = await failure(server.configuration { $0.database = 99 })
            #expect(error?.code == .server("ERR"))
            #expect(error?.isTransient == false)
            #expect(error?.message.contains("99") == true)
        }
    }

    @Test func `connects over a unix socket`() async throws {
        try await withRedisServer { server in
            let configuration = try RedisConfiguration(url: "redis+socket://\(server.socketPath)?virtual_host=2")
            try await withClient(configuration) { client, _ async throws in
                #expect(try await client.send(RedisCommand("CLIENT", "INFO")).text?.contains("db=2") == true)
            }
        }
    }

    @Test func `authenticates with a password, and with a user and password`() async throws {
        try await withRedisServer(arguments: [
            "--requirepass", "s3cret", "--user", "ali", "on", ">pw", "~*", "&*", "+@all",
        ]) {
            server in
            for url in ["redis://:s3cret@127.0.0.1:\(server.port)", "redis://ali:pw@127.0.0.1:\(server.port)/1"] {
                try await withClient(try RedisConfiguration(url: url)) { client, _ async throws in
                    #expect(try await client.send(RedisCommand("PING")) == .status("PONG"))
                }
            }
        }
    }

    @Test(arguments: ["redis://:wr0ng@HOST", "redis://ali:wr0ng@HOST", "redis://nobody:wr0ng@HOST", "redis://HOST"])
    func `reports a wrong or missing password as permanent, without showing it`(pattern: String) async throws {
        try await withRedisServer(arguments: [
            "--requirepass", "s3cret", "--user", "ali", "on", ">pw", "~*", "&*", "+@all",
        ]) {
            server in
            let url = pattern.replacing("HOST", with: "127.0.0.1:\(server.port)")
            let error = try #require(await failure(try RedisConfiguration(url: url)))
            #expect(error.code == .authenticationFailed)
            #expect(!error.isTransient)
            #expect(!"\(error)".contains("wr0ng"))
        }
    }

    @Test func `reports a password that the server does not want`() async throws {
        try await withRedisServer { server in
            let error = await failure(server.configuration { $0.password = "unwanted" })
            #expect(error?.code == .authenticationFailed)
        }
    }

    @Test func `ends run at a wrong password and fails the commands that waited`() async throws {
        try await withRedisServer(arguments: ["--requirepass", "right"]) { server in
            let client = RedisClient(
                configuration: server.configuration { $0.password = "wrong" },
                eventLoop: MultiThreadedEventLoopGroup.singleton.next(),
                logger: quiet
            )
            let waiting = Task { try await client.send(RedisCommand("PING")) }
            await #expect(throws: RedisError(.authenticationFailed, "")) { try await client.run() }
            await #expect(throws: RedisError(.authenticationFailed, "")) { try await waiting.value }
            await #expect(throws: RedisError(.authenticationFailed, "")) { try await client.send(RedisCommand("PING")) }
            await client.close()
        }
    }

    @Test func `reports a refused connection and an unknown host as transient`() async throws {
        let closed = RedisConfiguration(endpoint: .tcp(host: "127.0.0.1", port: try RedisServer.freePort()))
        let unknown = RedisConfiguration(endpoint: .tcp(host: "no-such-host.invalid", port: 6379))
        let missing = RedisConfiguration(endpoint: .unix(path: "/nowhere/redis.sock"))
        for configuration in [closed, missing] {
            let error = try #require(await failure(configuration))
            #expect(error.code == .connectFailed)
            #expect(error.isTransient)
        }
        // Without a name server in reach the look-up ends by its time limit.
        let error = try #require(await failure(unknown))
        #expect(error.code == .connectFailed || error.code == .connectTimeout)
        #expect(error.isTransient)
    }

    @Test func `runs the setup on every connection before anything else`() async throws {
        try await withRedisServer { server in
            let runs = Counter()
            let setup = RedisSetup { () throws(RedisError) in
                [RedisCommand("SET", "setup", runs.next()), RedisCommand("CLIENT", "SETNAME", "prepared")]
            }
            try await withClient(server.configuration(), setup: [setup]) { client, states async throws in
                #expect(try await client.send(RedisCommand("GET", "setup")).int == 1)
                let side = try await server.sideClient()
                _ = try await side.send(RedisCommand("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"))
                await side.close()
                try await states.nextConnected()
                #expect(try await client.send(RedisCommand("GET", "setup")).int == 2)
                try await client.prepareAgain()
                #expect(try await client.send(RedisCommand("GET", "setup")).int == 3)
                #expect(try await client.send(RedisCommand("CLIENT", "GETNAME")).text == "prepared")
            }
        }
    }

    @Test func `fails the attempt when the setup does`() async throws {
        try await withRedisServer { server in
            let refused = RedisSetup([RedisCommand("NONSENSE")])
            #expect(await failure(server.configuration(), setup: [refused])?.code == .server("ERR"))
            let own = RedisSetup { () throws(RedisError) in throw RedisError(.timeout, "not now") }
            #expect(await failure(server.configuration(), setup: [own])?.code == .timeout)
            let tolerant = RedisSetup(
                commands: { () throws(RedisError) in [RedisCommand("NONSENSE")] },
                check: { _ in }
            )
            #expect(await failure(server.configuration(), setup: [tolerant]) == nil)
        }
    }

    @Test func `finishes what was submitted when closed, and refuses the rest`() async throws {
        try await withRedisServer { server in
            let client = try await server.sideClient()
            #expect(try await LoopEngine(client).sendThenClose(100) == Array(0..<100))
            await #expect(throws: RedisError(.connectionClosed, "")) { try await client.send(RedisCommand("PING")) }
            await #expect(throws: RedisError(.connectionClosed, "")) { try await client.connect() }
            await client.close()
        }
    }

    @Test func `closes before it was ever connected`() async throws {
        let client = RedisClient(
            configuration: RedisConfiguration(),
            eventLoop: MultiThreadedEventLoopGroup.singleton.next(),
            logger: quiet
        )
        await client.close()
        try await client.run()
        await #expect(throws: RedisError(.connectionClosed, "")) { try await client.connect() }
    }

    @Test func `returns from run when its task is cancelled`() async throws {
        try await withRedisServer { server in
            let states = StateLog()
            let client = RedisClient(
                configuration: server.configuration(),
                eventLoop: MultiThreadedEventLoopGroup.singleton.next(),
                logger: quiet,
                onStateChange: states.observer
            )
            let running = Task { try await client.run() }
            try await states.nextConnected()
            running.cancel()
            try await running.value
            #expect(states.all.last == .closed)
        }
    }

    private func reads(_ client: RedisClient) async throws -> Int {
        let info = try await client.send(RedisCommand("INFO", "stats")).text ?? ""
        let line = info.split(whereSeparator: \.isNewline).first { $0.hasPrefix("total_reads_processed:") }
        return try #require(line.flatMap { Int($0.dropFirst("total_reads_processed:".count)) })
    }

    private func failure(_ configuration: RedisConfiguration, setup: [RedisSetup] = []) async -> RedisError? {
        let client = RedisClient(
            configuration: configuration,
            eventLoop: MultiThreadedEventLoopGroup.singleton.next(),
            logger: quiet,
            setup: setup
        )
        do {
            try await client.connect()
            await client.close()
            return nil
        } catch {
            await client.close()
            return error
        }
    }
}

final class Counter: Sendable {
    private let count = Mutex(0)

    func next() -> Int {
        count.withLock {
            $0 += 1
            return $0
        }
    }
}

/// A caller that lives on the client's loop, as the transport does.
actor LoopEngine {
    private nonisolated let executor: any SerialExecutor
    private let client: RedisClient

    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    init(_ client: RedisClient) {
        self.client = client
        executor = client.eventLoop.executor
    }

    func sendTogether(_ count: Int) async throws -> [Int] {
        let tasks = (0..<count).map { number in
            Task { try await client.send(RedisCommand("ECHO", number)).int ?? -1 }
        }
        var replies: [Int] = []
        for task in tasks { replies.append(try await task.value) }
        return replies
    }

    func sendThenClose(_ count: Int) async throws -> [Int] {
        // The tasks of an actor start in order, so the close comes after all the sends.
        let tasks = (0..<count).map { number in
            Task { try await client.send(RedisCommand("ECHO", number)).int ?? -1 }
        }
        let closing = Task { await client.close() }
        var replies: [Int] = []
        for task in tasks { replies.append(try await task.value) }
        await closing.value
        return replies
    }

    func staysOnLoop() async throws -> Bool {
        var always = client.eventLoop.inEventLoop
        for number in 0..<100 {
            _ = try await client.send(RedisCommand("ECHO", number))
            always = always && client.eventLoop.inEventLoop
        }
        return always
    }
}
