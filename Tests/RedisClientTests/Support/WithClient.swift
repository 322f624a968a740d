import Logging
import NIOPosix
import RedisClient
import TestSupport

let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

extension RedisServer {
    /// How tests reach this server: quick to give up, quick to try again.
    func configuration(_ change: (inout RedisConfiguration) -> Void = { _ in }) -> RedisConfiguration {
        var configuration = RedisConfiguration(
            endpoint: .tcp(host: "127.0.0.1", port: port),
            backoff: RedisBackoff(first: .milliseconds(5), ceiling: .milliseconds(50))
        )
        change(&configuration)
        return configuration
    }

    /// A connected client on its own, for looking at the server from the side.
    func sideClient() async throws -> RedisClient {
        let client = RedisClient(
            configuration: configuration(),
            eventLoop: MultiThreadedEventLoopGroup.singleton.next(),
            logger: quiet
        )
        try await client.connect()
        return client
    }
}

/// Runs a client that is kept connected, for as long as the body takes.
func withClient<Value: Sendable>(
    _ configuration: RedisConfiguration,
    setup: [RedisSetup] = [],
    _ body: (RedisClient, StateLog) async throws -> Value
) async throws -> Value {
    let states = StateLog()
    let client = RedisClient(
        configuration: configuration,
        eventLoop: MultiThreadedEventLoopGroup.singleton.next(),
        logger: quiet,
        setup: setup,
        onStateChange: states.observer
    )
    return try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await client.run() }
        do {
            try await states.nextConnected()
            let value = try await body(client, states)
            await client.close()
            try await group.waitForAll()
            return value
        } catch {
            await client.close()
            throw error
        }
    }
}

/// Runs a client that reaches a server of its own through a proxy that can do harm.
func withClientBehindProxy<Value: Sendable>(
    _ change: (inout RedisConfiguration) -> Void = { _ in },
    _ body: (RedisServer, FaultyProxy, RedisClient, StateLog) async throws -> Value
) async throws -> Value {
    try await withRedisServer { server in
        let proxy = try await FaultyProxy.start(target: server.port)
        let configuration = server.configuration {
            $0.endpoint = .tcp(host: "127.0.0.1", port: proxy.port)
            change(&$0)
        }
        let value = try await withClient(configuration) { client, states async throws in
            try await body(server, proxy, client, states)
        }
        await proxy.stop()
        return value
    }
}
