import Logging
import RedisClient

/// Keeps a connection up until it is closed or the task is cancelled; one that the server refuses for good is tried
/// again slowly, for passwords change.
private func keep(_ logger: Logger, _ run: () async throws(RedisError) -> Void) async {
    while !Task.isCancelled {
        do {
            return try await run()
        } catch {
            guard !Task.isCancelled else { return }
            logger.error("Redis refuses the connection: \(error.message)")
            try? await Task.sleep(for: .seconds(5))  // ended early only by cancellation
        }
    }
}

extension RedisClient {
    func keepConnected(_ logger: Logger) async { await keep(logger) { () async throws(RedisError) in try await run() } }
}

extension RedisSubscriber {
    func keepConnected(_ logger: Logger) async { await keep(logger) { () async throws(RedisError) in try await run() } }
}
