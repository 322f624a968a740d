import RedisClient
import RedisTransport

/// Empties queues: every priority list of each.
struct QueuePurge {
    let client: RedisClient
    let keys: RedisKeys

    /// Answers how many messages were erased.
    func run(_ queues: [String]) async throws -> Int {
        try await client.connect()
        var erased = 0
        for queue in queues {
            for step in keys.prioritySteps {
                let list = keys.list(queue: queue, step: step)
                let replies = try await client.send([
                    RedisCommand("MULTI"), RedisCommand("LLEN", list), RedisCommand("DEL", list), RedisCommand("EXEC"),
                ])
                erased += try replies[3].get().array?.first?.int ?? 0
            }
        }
        return erased
    }
}
