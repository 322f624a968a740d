import RedisClient

extension RedisBroker {
    /// Drops what is too old from the history of queues; answers how many entries went.
    @discardableResult
    public func trimHistory(queues: [String]) async throws -> Int {
        let keys = configuration.keys
        let streams = queues.flatMap {
            [keys.history(queue: $0, completed: true), keys.history(queue: $0, completed: false)]
        }
        guard !streams.isEmpty else { return 0 }
        return try await run(Scripts.trimHistory, keys: streams, arguments: RedisArguments()).int ?? 0
    }
}
