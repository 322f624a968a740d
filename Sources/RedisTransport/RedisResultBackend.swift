public import RedisClient
public import Transport

/// Reads Celery's result records.
public struct RedisResultBackend: ResultBackend {
    private let client: RedisClient
    private let keys: RedisKeys

    /// Reads over a connection to the results' database.
    public init(client: RedisClient, keys: RedisKeys) {
        self.client = client
        self.keys = keys
    }

    /// The record under the task's key, or `nil`.
    public func record(taskID: String) async throws -> [UInt8]? {
        do {
            return try await client.send(RedisCommand("GET", keys.result(taskID: taskID))).get().bytes
        } catch {
            throw TransportError(error)
        }
    }
}
