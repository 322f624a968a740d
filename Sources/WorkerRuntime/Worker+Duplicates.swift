import CeleryMessage
import Logging
import NIOCore
import Transport

extension Worker {
    /// Whether a message came back that may have been run to its end: `worker_deduplicate_successful_tasks`.
    func mayBeDone(_ task: ActiveTask) -> Bool {
        guard configuration.deduplicatesSuccessfulTasks, task.policy.acksLate else { return false }
        return task.message.headers.redelivered || task.message.properties.redelivered
    }

    /// Runs a task unless its result says that it succeeded (`celery/app/trace.py`).
    ///
    /// While its result is looked for the task counts as in hand, and its lease is renewed.
    func runUnlessDone(_ task: ActiveTask, at clock: NIODeadline) {
        queues[task.queue].inHand += 1
        // Ends with the broker's answer; a stop that comes before it puts the message back.
        Task {
            let done = await self.storedSuccess(of: task.message.headers.id)
            guard self.active[task.job] === task else { return }
            if let done {
                self.logger.info("Task \(task.message.headers.label) already completed successfully.")
                self.end(task.job, .alreadySucceeded(done), enqueued: [], runtime: nil)
                return
            }
            self.queues[task.queue].inHand -= 1
            self.reserve(task, at: clock)
            self.askTenants()
            self.dispatch()
        }
    }

    private func storedSuccess(of id: String) async -> ResultRecord? {
        // A result that cannot be read counts as none, and the task runs again.
        guard let bytes = try? await broker.records(taskIDs: [id])[id],
            let record = try? ResultRecord(decoding: bytes, codecs: codecs), record.status == .success
        else { return nil }
        return record
    }
}
