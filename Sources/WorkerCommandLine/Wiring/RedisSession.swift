import Logging
import NIOPosix
package import RedisClient

/// One short conversation with Redis, for the tools.
package struct RedisSession {
    private let configuration: RedisConfiguration

    package init(_ configuration: RedisConfiguration) { self.configuration = configuration }

    /// Connects, hands the client out and disconnects; a server that cannot be reached is said in one line, code 69.
    package func use<Value>(_ body: (RedisClient) async throws -> Value) async throws -> Value {
        var logger = Logger(label: "celeriac.tool")
        logger.logLevel = .critical
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let client = RedisClient(configuration: configuration, eventLoop: loop, logger: logger)
        do {
            try await client.connect()
        } catch {
            throw Complaint(configuration.unreachable(error.message), code: .unavailable)
        }
        do {
            let value = try await body(client)
            await client.close()
            return value
        } catch {
            await client.close()
            throw error
        }
    }
}

extension RedisConfiguration {
    /// One line on why there is no connection, which names the server once.
    func unreachable(_ reason: String) -> String {
        guard reason.contains(redactedURL) else { return "Cannot connect to \(redactedURL): \(reason)" }
        return reason.prefix(1).uppercased() + reason.dropFirst()
    }
}
