import CeleryMessage
import RedisClient
import Transport

/// The end of a task from which nothing follows but its result: most of all commits, and so with a script of their own.
struct PlainFinish {
    let tag: DeliveryTag
    let result: StoredResult
}

extension RedisBroker {
    /// The commits as plain finishes, or `nil` when one of them is more than that.
    func plainFinishes(_ commits: [Commit]) -> [PlainFinish]? {
        var finishes: [PlainFinish] = []
        finishes.reserveCapacity(commits.count)
        for commit in commits {
            guard let tag = commit.tag, commit.acknowledges, commit.effects.count == 1,
                case .store(let result) = commit.effects[0]
            else { return nil }
            // One time to live stands for all.
            if let first = finishes.first, first.result.timeToLive != result.timeToLive { return nil }
            finishes.append(PlainFinish(tag: tag, result: result))
        }
        return finishes
    }

    /// Stores the results of tasks and acknowledges their messages, each in one step.
    func finish(_ finishes: [PlainFinish], history: HistoryBatch) async throws -> [CommitStatus] {
        let keys = configuration.keys
        let reply = try await run(
            Scripts.finish,
            keys: [keys.unacked, keys.unackedIndex, keys.history, keys.historyDurations],
            arguments: arguments(finishes, history)
        )
        if reply.isNull { return Array(repeating: .done, count: finishes.count) }
        guard let answers = reply.array, answers.count == finishes.count else {
            throw TransportError(.protocolViolation, "the finish script answered something unexpected")
        }
        return answers.map { $0.int == 1 ? .done : .lost }
    }

    /// The script's arguments; its header says what stands where.
    private func arguments(_ finishes: [PlainFinish], _ history: HistoryBatch) -> RedisArguments {
        var arguments = RedisArguments()
        arguments.reserveCapacity(finishes.count * 1024)
        arguments.append(finishes.count)
        if let seconds = finishes.first?.result.timeToLive { arguments.append(seconds) } else { arguments.append("") }
        arguments.append(otherResultDatabase.map(String.init) ?? "")
        arguments.append(configuration.broker.database)
        for finish in finishes { arguments.append(finish.tag.text) }
        for finish in finishes { arguments.append(configuration.keys.result(taskID: finish.result.taskID)) }
        for finish in finishes { arguments.append(finish.result.record) }
        history.append(to: &arguments, keys: configuration.keys)
        return arguments
    }
}
