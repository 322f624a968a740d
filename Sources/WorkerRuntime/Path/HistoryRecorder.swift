import CeleryMessage
import Transport

/// Says what a task's end leaves in the history.
struct HistoryRecorder: Sendable {
    private let writer: HistoryWriter
    private let queues: [String: QueuePolicy]

    init(_ configuration: WorkerConfiguration) {
        writer = HistoryWriter(
            worker: configuration.nodeName,
            tenantNames: configuration.tenantNames,
            secrets: SecretNames(configuration.secretNames)
        )
        let own = configuration.queues.map { ($0.name, $0) }
        queues = configuration.knownQueues.merging(own) { _, own in own }
    }

    /// What the end of an attempt leaves; `nil` where the task goes on elsewhere, or keeps no history.
    func note(
        _ ending: TaskEnding,
        of received: ReceivedMessage,
        queue: String,
        policy: TaskPolicy,
        run: TaskEnd.Run,
        now: Instant
    ) -> HistoryNote? {
        guard policy.keepsHistory else { return nil }
        if let finish = ending.finish { return note(finish, of: received, queue: queue, run: run, now: now) }
        if case .retried = ending.verdict { return .retried(queue: queue) }
        return nil
    }

    /// What an end leaves.
    ///
    /// - Parameter received: the message where it could be read; without it `id` names the task.
    func note(
        _ finish: TaskEnding.Finish,
        of received: ReceivedMessage?,
        id: String? = nil,
        queue: String,
        run: TaskEnd.Run = TaskEnd.Run(),
        now: Instant
    ) -> HistoryNote {
        let isCompleted = finish.state == .success || finish.state == .ignored
        let bounds = queues[queue]
        return .finished(
            TaskEnd(
                of: received,
                id: id,
                queue: queue,
                state: finish.state,
                finishedAt: now,
                run: run,
                result: finish.result,
                exception: finish.exception,
                traceback: finish.traceback,
                bound: isCompleted ? bounds?.completed ?? .completed : bounds?.failed ?? .failed,
                writer: writer
            )
        )
    }
}
