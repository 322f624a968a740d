import CeleryMessage
import Transport

/// Says what a task's end leaves in the history.
struct HistoryRecorder: Sendable {
    private let writer: HistoryWriter
    private let queues: [String: QueuePolicy]

    init(_ configuration: WorkerConfiguration) {
        writer = HistoryWriter(
            worker: configuration.nodeName,
            tenants: configuration.tenantNames,
            secrets: SecretNames(configuration.secretNames)
        )
        let own = configuration.queues.map { ($0.name, $0) }
        queues = configuration.knownQueues.merging(own) { _, own in own }
    }

    /// Adds what the end of an attempt leaves to its commit: nothing where the task goes on elsewhere.
    func record(
        _ ending: inout TaskEnding,
        of received: ReceivedMessage,
        item: [UInt8],
        queue: String,
        policy: TaskPolicy,
        run: TaskEnd.Run,
        now: Instant
    ) {
        guard let finish = ending.finish else {
            if policy.keepsHistory, case .retried = ending.verdict { ending.commit.history = .retried(queue: queue) }
            return
        }
        let isDead = finish.isDead && policy.keepsDeadLetters
        guard policy.keepsHistory || isDead else { return }
        let end = end(finish, of: received, queue: queue, run: run, now: now)
        if policy.keepsHistory { ending.commit.history = .finished(end) }
        guard isDead else { return }
        let cause = finish.exception?.description ?? finish.state.rawValue
        let message = Publication(queue: queue, priority: received.message.properties.priority, item: item)
        ending.commit.effects.insert(
            .keepDead(DeadMessage(end: end, reason: finish.remark ?? cause, message: message)),
            at: min(1, ending.commit.effects.count)
        )
    }

    /// What an end leaves.
    ///
    /// - Parameter received: the message where it could be read; without it `id` names the task.
    func end(
        _ finish: TaskEnding.Finish,
        of received: ReceivedMessage?,
        id: String? = nil,
        name: String? = nil,
        queue: String,
        run: TaskEnd.Run = TaskEnd.Run(),
        now: Instant
    ) -> TaskEnd {
        let isCompleted = finish.state == .success || finish.state == .ignored
        let bounds = queues[queue]
        return TaskEnd(
            of: received,
            id: id,
            name: name,
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
    }
}
