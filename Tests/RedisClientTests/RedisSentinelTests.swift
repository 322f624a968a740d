import Logging
import NIOPosix
import RedisClient
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1))) struct `A client with sentinels` {
    // MARK: Who is asked

    @Test func `connects to the master that a sentinel names`() async throws {
        try await withRedisServer { server in
            let sentinel = try await FakeSentinel.start(.master(server.port))
            try await withClient(configuration([sentinel.port])) { client, _ async throws in
                #expect(try await client.send(RedisCommand("SET", "k", "v")) == .status("OK"))
            }
            #expect(sentinel.askedFor == ["mymaster"])
            await sentinel.stop()
        }
    }

    @Test func `passes over sentinels that are gone, silent or know nothing, and asks the one that answered first`()
        async throws
    {
        try await withRedisServer { server in
            let silent = try await FakeSentinel.start(.silence)
            let ignorant = try await FakeSentinel.start(.unknown)
            let good = try await FakeSentinel.start(.master(server.port))
            let ports = [try RedisServer.freePort(), silent.port, ignorant.port, good.port]
            try await withClient(configuration(ports) { $0.patience = .seconds(2) }) { client, states async throws in
                let id = try await client.send(RedisCommand("CLIENT", "ID"))
                let side = try await server.sideClient()
                _ = try await side.send(RedisCommand("CLIENT", "KILL", "ID", id.int ?? 0))
                await side.close()
                try await states.nextLost()
                try await states.nextConnected()
            }
            #expect(good.askedFor.count == 2)
            #expect(ignorant.askedFor.count == 1)
            for sentinel in [silent, ignorant, good] { await sentinel.stop() }
        }
    }

    @Test func `asks the next sentinel after one that named a server that is gone`() async throws {
        try await withRedisServer { server in
            let stale = try await FakeSentinel.start(.master(try RedisServer.freePort()))
            let good = try await FakeSentinel.start(.master(server.port))
            try await withClient(configuration([stale.port, good.port])) { client, _ async throws in
                #expect(try await client.send(RedisCommand("PING")) == .status("PONG"))
            }
            #expect(stale.askedFor.count == 1)
            #expect(good.askedFor.count == 1)
            await stale.stop()
            await good.stop()
        }
    }

    @Test func `does not take a replica for the master`() async throws {
        let nowhere = try RedisServer.freePort()
        try await withRedisServer(arguments: ["--replicaof", "127.0.0.1 \(nowhere)"]) { replica in
            let sentinel = try await FakeSentinel.start(.master(replica.port))
            let client = client(configuration([sentinel.port]))
            let error = try #require(await failure(client))
            #expect(error.code == .readOnly)
            #expect(error.isTransient)
            #expect(
                error.message
                    == "127.0.0.1:\(replica.port), the master of 'mymaster' by its sentinels, is no master but a replica"
            )
            // It becomes one, as in a failover.
            let side = try await replica.sideClient()
            _ = try await side.send(RedisCommand("REPLICAOF", "NO", "ONE"))
            await side.close()
            try await client.connect()
            await client.close()
            await sentinel.stop()
        }
    }

    // MARK: Failover

    enum End: CaseIterable { case killed, demoted }

    @Test(arguments: End.allCases)
    func `follows the master`(end: End) async throws {
        try await withRedisServer { former in
            try await withRedisServer { present in
                let sentinel = try await FakeSentinel.start(.master(former.port))
                try await withClient(configuration([sentinel.port])) { client, states async throws in
                    _ = try await client.send(RedisCommand("SET", "where", "former"))
                    sentinel.say(.master(present.port))
                    switch end {
                    case .killed: await former.kill()
                    case .demoted:
                        let side = try await former.sideClient()
                        _ = try await side.send(RedisCommand("REPLICAOF", "127.0.0.1", present.port))
                        await side.close()
                        await #expect(throws: RedisError(.readOnly, "")) {
                            try await client.send(RedisCommand("SET", "where", "nowhere"))
                        }
                    }
                    try await states.nextLost()
                    try await states.nextConnected()
                    #expect(try await client.send(RedisCommand("EXISTS", "where")).int == 0)
                }
                await sentinel.stop()
            }
        }
    }

    @Test func `has its subscriptions follow the master`() async throws {
        try await withRedisServer { former in
            try await withRedisServer { present in
                let sentinel = try await FakeSentinel.start(.master(former.port))
                let states = StateLog()
                let (messages, heard) = AsyncStream<RedisPush>.makeStream()
                let subscriber = RedisSubscriber(
                    configuration: configuration([sentinel.port]),
                    eventLoop: MultiThreadedEventLoopGroup.singleton.next(),
                    logger: quiet,
                    onMessage: { heard.yield($0) },
                    onStateChange: states.observer
                )
                let running = Task { try await subscriber.run() }
                try await states.nextConnected()
                try await subscriber.subscribe(["news"])
                sentinel.say(.master(present.port))
                await former.kill()
                try await states.nextConnected()
                let side = try await present.sideClient()
                _ = try await side.send(RedisCommand("PUBLISH", "news", "from the new master"))
                let message = await messages.first { _ in true }
                #expect(message == .message(channel: "news", payload: Array("from the new master".utf8)))
                await side.close()
                await subscriber.close()
                try await running.value
                await sentinel.stop()
            }
        }
    }

    // MARK: What cannot be found

    @Test func `says for good that no sentinel knows the name`() async throws {
        let sentinels = [try await FakeSentinel.start(.unknown), try await FakeSentinel.start(.unknown)]
        let error = try #require(await failure(client(configuration(sentinels.map(\.port)))))
        #expect(error.code == .unknownMaster)
        #expect(!error.isTransient)
        let asked = sentinels.map { "127.0.0.1:\($0.port)" }.joined(separator: ", ")
        #expect(error.message == "no sentinel knows a master named 'mymaster' (asked: \(asked))")
        for sentinel in sentinels { await sentinel.stop() }
    }

    @Test func `waits for a sentinel that is away, for it may know the name`() async throws {
        let sentinel = try await FakeSentinel.start(.unknown)
        let away = try RedisServer.freePort()
        let error = try #require(await failure(client(configuration([sentinel.port, away]))))
        #expect(error.code == .connectFailed)
        #expect(error.isTransient)
        #expect(error.message.hasPrefix("no sentinel tells the master of 'mymaster': 127.0.0.1:\(sentinel.port): "))
        #expect(error.message.contains("127.0.0.1:\(away): "))
        await sentinel.stop()
    }

    @Test(arguments: [
        "*1\r\n$1\r\na\r\n", "*2\r\n$1\r\na\r\n$1\r\n0\r\n", "*2\r\n$0\r\n\r\n$4\r\n6379\r\n", ":5\r\n",
        "-IDONTKNOW I have not enough information to reply. Please ask another Sentinel.\r\n",
        "*2\r\n$1\r\na\r\n$5\r\n99999\r\n", "garbage\r\n",
    ])
    func `does not believe a strange answer`(bytes: String) async throws {
        try await withRedisServer { server in
            let strange = try await FakeSentinel.start(.bytes(bytes))
            let good = try await FakeSentinel.start(.master(server.port))
            let client = client(configuration([strange.port, good.port]))
            try await client.connect()
            #expect(strange.askedFor.count == 1)
            await client.close()
            await strange.stop()
            await good.stop()
        }
    }

    @Test func `does not believe a sentinel that is cut off from the others`() async throws {
        try await withRedisServer { server in
            let lonely = try await FakeSentinel.start(.master(try RedisServer.freePort()), others: 0)
            let good = try await FakeSentinel.start(.master(server.port), others: 1)
            let client = client(configuration([lonely.port, good.port]) { $0.leastOthers = 1 })
            try await client.connect()
            await client.close()
            await good.stop()
            let error = try #require(await failure(self.client(configuration([lonely.port]) { $0.leastOthers = 1 })))
            #expect(error.message.contains("it knows 0 other sentinel(s), and min_other_sentinels is 1"))
            await lonely.stop()
        }
    }

    @Test func `stops at once while a sentinel keeps it waiting`() async throws {
        let silent = try await FakeSentinel.start(.silence)
        let client = client(configuration([silent.port]) { $0.patience = .seconds(50) })
        let running = Task { try await client.run() }
        try await Task.sleep(for: .milliseconds(20))
        await client.close()
        try await running.value
        await silent.stop()
    }

    // MARK: Passwords

    @Test func `tells passwords of sentinels and of the server apart`() async throws {
        try await withRedisServer(arguments: ["--requirepass", "of-the-server"]) { server in
            let sentinel = try await FakeSentinel.start(.master(server.port), password: "of-the-sentinel")
            var configuration = configuration([sentinel.port]) { $0.password = "of-the-sentinel" }
            configuration.password = "of-the-server"
            let right = client(configuration)
            try await right.connect()
            await right.close()

            let wrong = client(self.configuration([sentinel.port]) { $0.password = "not-the-sentinels" })
            let error = try #require(await failure(wrong))
            #expect(error.code == .authenticationFailed)
            #expect(!error.isTransient)
            #expect(!"\(error)".contains("not-the-sentinels"))

            let none = try #require(await failure(client(self.configuration([sentinel.port]))))
            #expect(none.message.contains("the server requires a password"))
            await sentinel.stop()
        }
    }

    // MARK: Support

    private func configuration(
        _ ports: [Int],
        _ change: (inout RedisSentinels) -> Void = { _ in }
    ) -> RedisConfiguration {
        var sentinels = RedisSentinels(
            addresses: ports.map { .tcp(host: "127.0.0.1", port: $0) },
            master: "mymaster",
            patience: .seconds(20)
        )
        change(&sentinels)
        let backoff = RedisBackoff(first: .milliseconds(1), ceiling: .milliseconds(20))
        return RedisConfiguration(endpoint: .sentinels(sentinels), backoff: backoff)
    }

    private func client(_ configuration: RedisConfiguration) -> RedisClient {
        RedisClient(
            configuration: configuration,
            eventLoop: MultiThreadedEventLoopGroup.singleton.next(),
            logger: quiet
        )
    }

    /// Why the client cannot connect, if it cannot.
    ///
    /// One that failed holds nothing that would have to be closed.
    private func failure(_ client: RedisClient) async -> RedisError? {
        do throws(RedisError) {
            try await client.connect()
            await client.close()
            return nil
        } catch {
            return error
        }
    }
}
