package import CeleryMessage
import Inspection
import RedisClient
import RedisTransport

extension RedisHistory: HistoryCleaning {
    /// How many single tasks are remembered as forgotten.
    private static let mostForgotten = 10_000
    /// For how long, in seconds: longer than tasks are kept by default.
    private static let forgottenLifetime = 30 * 86_400

    package func clean(
        queue: String,
        completed: Bool,
        failed: Bool,
        endedBefore moment: Instant
    ) async throws -> Int {
        try await readNow()
        var count = 0
        for isCompleted in [completed ? true : nil, failed ? false : nil].compactMap(\.self) {
            guard let old = oldest(queue: queue, isCompleted: isCompleted, endedBefore: moment) else { continue }
            let arguments = RedisArguments(
                (isCompleted ? "cleaned-completed:" : "cleaned-failed:") + queue,
                old.position
            )
            _ = try await run(
                Scripts.cleanHistory,
                [keys.history, keys.history(queue: queue, completed: isCompleted)],
                arguments
            )
            count += old.count
        }
        if count > 0 { try await readNow() }
        return count
    }

    package func forget(taskID: String, queue: String) async throws -> Bool {
        try await readNow()
        guard let row = newest(taskID: taskID), row.task.queue == queue else { return false }
        let member = HistoryProjection.member(queue: queue, isCompleted: row.task.isCompleted, row.position)
        let arguments = RedisArguments(member, Self.mostForgotten, Self.forgottenLifetime)
        let reply = try await run(Scripts.forgetFinished, [keys.history, keys.historyForgotten], arguments)
        try await readNow()
        return reply.int == 1
    }

    private func run(_ script: RedisScript, _ keys: [String], _ arguments: RedisArguments) async throws -> RedisReply {
        try await inspector.translating { () async throws(RedisError) in
            try await inspector.broker.run(
                script,
                keys: keys,
                arguments: arguments,
                timeout: inspector.configuration.timeout
            ).get()
        }
    }
}
