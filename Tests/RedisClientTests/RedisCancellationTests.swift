import NIOPosix
import RedisClient
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(2)))
struct RedisCancellationTests {
    @Test func `ends a cancelled command at once and drops its reply when it comes`() async throws {
        try await withRedisServer { server in
            try await withClient(server.configuration()) { client, states async throws in
                server.pause()
                let task = Task { try await client.send(RedisCommand("ECHO", "cancelled")) }
                async let kept = client.send(RedisCommand("ECHO", "kept"))
                task.cancel()
                await #expect(throws: RedisError(.cancelled, "")) { try await task.value }
                server.resume()
                #expect(try await kept.text == "kept")
                #expect(states.connections == 1)
            }
        }
    }

    @Test func `does not write a command that was cancelled before`() async throws {
        try await withRedisServer { server in
            try await withClient(server.configuration()) { client, _ async throws in
                let task = Task {
                    withUnsafeCurrentTask { $0?.cancel() }
                    return try await client.send(RedisCommand("SET", "never", "x"))
                }
                await #expect(throws: RedisError(.cancelled, "")) { try await task.value }
                #expect(try await client.send(RedisCommand("EXISTS", "never")) == .integer(0))
            }
        }
    }

    @Test func `forgets a held command that is cancelled`() async throws {
        try await withRedisServer { server in
            let client = RedisClient(
                configuration: server.configuration(),
                eventLoop: MultiThreadedEventLoopGroup.singleton.next(),
                logger: quiet
            )
            let held = Task { try await client.send(RedisCommand("SET", "never", "x")) }
            await Task.yield()
            held.cancel()
            await #expect(throws: RedisError(.cancelled, "")) { try await held.value }
            try await client.connect()
            #expect(try await client.send(RedisCommand("EXISTS", "never")) == .integer(0))
            await client.close()
        }
    }

    @Test func `matches every remaining reply while thousands are cancelled`() async throws {
        try await withRedisServer { server in
            try await withClient(server.configuration()) { client, states async throws in
                var random = SplitMix(seed: 3)
                var finished = 0
                var cancelled = 0
                for round in 0..<20 {
                    let plan = (0..<300).map { _ in Int.random(in: 0..<3, using: &random) }
                    let tasks = plan.enumerated().map { number, kind in
                        Task { try await roundTrip(client, mark: "\(round).\(number)", isBatch: kind == 0) }
                    }
                    // Some at once, some after they have probably been written.
                    for (task, kind) in zip(tasks, plan) where kind == 1 {
                        if Bool.random(using: &random) { await Task.yield() }
                        task.cancel()
                    }
                    for task in tasks {
                        switch await task.result {
                        case .success(let isRight):
                            #expect(isRight)
                            finished += 1
                        case .failure(let error):
                            #expect(error as? RedisError == RedisError(.cancelled, ""))
                            cancelled += 1
                        }
                    }
                }
                #expect(finished + cancelled == 6000)
                #expect(cancelled > 200)
                #expect(try await client.send(RedisCommand("ECHO", "end")).text == "end")
                #expect(states.connections == 1)
            }
        }
    }

    @Test func `cancels connecting`() async throws {
        try await withRedisServer { server in
            server.pause()
            let client = RedisClient(
                configuration: server.configuration { $0.connectTimeout = .seconds(60) },
                eventLoop: MultiThreadedEventLoopGroup.singleton.next(),
                logger: quiet
            )
            let task = Task { try await client.connect() }
            await Task.yield()
            task.cancel()
            await #expect(throws: RedisError(.cancelled, "")) { try await task.value }
            server.resume()
            try await client.connect()
            await client.close()
        }
    }

    private func roundTrip(_ client: RedisClient, mark: String, isBatch: Bool) async throws -> Bool {
        guard isBatch else { return try await client.send(RedisCommand("ECHO", mark)).text == mark }
        let replies = try await client.send((0..<5).map { RedisCommand("ECHO", "\(mark)/\($0)") })
        return replies.map(\.text) == (0..<5).map { "\(mark)/\($0)" }
    }
}
