import Logging
import NIOPosix
import TestSupport
import Testing

@testable import RedisClient

@Suite(.timeLimit(.minutes(1))) struct `A client with several servers` {
    private func configuration(
        _ ports: [Int],
        _ change: (inout RedisConfiguration) -> Void = { _ in }
    ) -> RedisConfiguration {
        let list = ports.map { RedisServers.Server(address: .tcp(host: "127.0.0.1", port: $0)) }
        var configuration = RedisConfiguration(
            endpoint: .servers(RedisServers(list)),
            backoff: RedisBackoff(first: .milliseconds(5), ceiling: .milliseconds(50))
        )
        change(&configuration)
        return configuration
    }

    private func port(_ client: RedisClient) async throws -> Int? {
        let reply = try await client.send(RedisCommand("CONFIG", "GET", "port"))
        return reply.array?.last?.text.flatMap { Int($0) }
    }

    @Test func `connects with one attempt to the first that can be reached`() async throws {
        let dead = [try RedisServer.freePort(), try RedisServer.freePort()]
        try await withRedisServer { server in
            let client = RedisClient(
                configuration: configuration(dead + [server.port]),
                eventLoop: MultiThreadedEventLoopGroup.singleton.next(),
                logger: quiet
            )
            try await client.connect()
            #expect(try await port(client) == server.port)
            await client.close()
        }
    }

    @Test func `fails where none can be reached, and begins anew`() async throws {
        let server = try await RedisServer.start()
        await server.kill()
        let client = RedisClient(
            configuration: configuration([try RedisServer.freePort(), server.port]),
            eventLoop: MultiThreadedEventLoopGroup.singleton.next(),
            logger: quiet
        )
        await #expect(throws: RedisError(.connectFailed, "")) { try await client.connect() }
        try await server.restart()
        try await client.connect()
        #expect(try await port(client) == server.port)
        await client.close()
        await server.stop()
    }

    @Test func `goes on at the next when one is killed, and stays there`() async throws {
        try await withRedisServer { first in
            try await withRedisServer { second in
                try await withClient(configuration([first.port, second.port])) { client, states async throws in
                    #expect(try await port(client) == first.port)
                    await first.kill()
                    try await states.nextConnected()
                    #expect(try await port(client) == second.port)
                    try await first.restart()
                    let id = try await client.send(RedisCommand("CLIENT", "ID"))
                    let side = try await second.sideClient()
                    _ = try await side.send(RedisCommand("CLIENT", "KILL", "ID", id.int ?? 0))
                    await side.close()
                    try await states.nextConnected()
                    #expect(try await port(client) == second.port)
                    await second.kill()
                    try await states.nextConnected()
                    #expect(try await port(client) == first.port)
                }
            }
        }
    }

    @Test func `tells a wrong password instead of going elsewhere, however often it is tried`() async throws {
        try await withRedisServer(arguments: ["--requirepass", "secret"]) { first in
            try await withRedisServer { second in
                let client = RedisClient(
                    configuration: configuration([first.port, second.port]),
                    eventLoop: MultiThreadedEventLoopGroup.singleton.next(),
                    logger: quiet
                )
                for _ in 0..<3 {
                    await #expect(throws: RedisError(.authenticationFailed, "")) { try await client.connect() }
                }
                await client.close()
            }
        }
    }

    @Test func `stays where it was going when an attempt is cancelled`() async throws {
        try await withRedisServer { first in
            try await withRedisServer { second in
                let states = StateLog()
                let client = RedisClient(
                    configuration: configuration([first.port, second.port]) { $0.connectTimeout = .seconds(30) },
                    eventLoop: MultiThreadedEventLoopGroup.singleton.next(),
                    logger: quiet,
                    onStateChange: states.observer
                )
                first.pause()
                let attempt = Task { try await client.connect() }
                try await states.next { $0 == .connecting }
                attempt.cancel()
                await #expect(throws: RedisError(.cancelled, "")) { try await attempt.value }
                first.resume()
                try await client.connect()
                #expect(try await port(client) == first.port)
                await client.close()
            }
        }
    }

    @Test func `uses each server's own password`() async throws {
        try await withRedisServer(arguments: ["--requirepass", "secret"]) { server in
            let nowhere = try RedisServer.freePort()
            let url = "redis://:other@127.0.0.1:\(nowhere);redis://:secret@127.0.0.1:\(server.port)"
            try await withClient(try RedisConfiguration(url: url)) { client, _ async throws in
                #expect(try await port(client) == server.port)
            }
        }
    }

    // MARK: The choice

    @Test func `is where the other connections are`() {
        let choice = ServerChoice([0, 1, 2])
        #expect(choice.server == 0)
        #expect(choice.arrive(at: 0) == .first)
        #expect(choice.arrive(at: 0) == .joined)
        choice.leave()
        // Another one is refused for a moment: nobody leaves.
        #expect(!choice.giveUp(0))
        choice.leave()
        #expect(choice.giveUp(0))
        #expect(choice.server == 1)
        // A second failure at the former server skips none.
        #expect(choice.giveUp(0))
        #expect(choice.server == 1)
        #expect(choice.arrive(at: 0) == .tooLate)
        #expect(choice.arrive(at: 1) == .moved)
        #expect(choice.arrive(at: 1) == .joined)
        choice.leave()
        choice.leave()
        #expect(choice.giveUp(1) && choice.giveUp(2))
        #expect(choice.server == 0 && choice.arrive(at: 0) == .moved)
    }

    @Test func `was not at a server that could not be reached`() {
        let choice = ServerChoice([1, 0])
        #expect(choice.giveUp(1))
        #expect(choice.arrive(at: 0) == .moved)
    }

    @Test func `names the server where it is`() throws {
        let configuration = try RedisConfiguration(url: "redis://:secret@a:1/2;redis://b:2/2")
        #expect(configuration.presentURL == "redis://:**@a:1/2")
        #expect(configuration.endpoint.servers?.choice.giveUp(0) == true)
        #expect(configuration.presentURL == "redis://b:2/2")
        #expect(try RedisConfiguration(url: "redis://c:3/0").presentURL == "redis://c:3/0")
    }

    @Test func `needs a server`() async {
        await #expect(processExitsWith: .failure) { _ = RedisServers([]) }
    }

    @Test func `tries every server of a shuffled list`() {
        let list = (0..<8).map { RedisServers.Server(address: .tcp(host: "h\($0)", port: 1)) }
        let servers = RedisServers(list, order: .shuffled)
        #expect(servers == RedisServers(list))
        var seen: Set<Int> = []
        for _ in list {
            seen.insert(servers.choice.server)
            #expect(servers.choice.giveUp(servers.choice.server))
        }
        #expect(seen == Set(0..<8))
    }
}
