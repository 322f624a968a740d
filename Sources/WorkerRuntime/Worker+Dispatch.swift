import CeleriacTasks
import CeleryMessage
import DequeModule
import NIOCore
import Transport
import WorkerPool

extension Worker {
    /// Gives waiting tasks to every pool that has room.
    func dispatch() {
        for place in pools.indices where !pools[place].reserved.isEmpty { dispatch(to: place) }
    }

    private func dispatch(to place: Int) {
        var room = pools[place].pool.free
        guard room > 0 else { return }
        var batch: [PoolTask] = []
        while room > 0, let job = pools[place].reserved.popFirst() {
            guard let task = active[job] else { continue }
            batch.append(start(task))
            room -= 1
        }
        guard !batch.isEmpty else { return }
        pools[place].dispatched += batch.count
        pools[place].pool.submit(batch)
    }

    private func start(_ task: ActiveTask) -> PoolTask {
        task.stage = .dispatched
        if !task.policy.acksLate, let tag = task.tag {
            // Acknowledged before the run, as the task's policy asks: from here on a crash loses it.
            enqueue(Commit(tag: tag, acknowledges: true, effects: []))
            task.tag = nil
        }
        return PoolTask(
            job: task.job,
            request: TaskRequest(
                received: task.received,
                queue: queues[task.queue].policy.name,
                hostname: configuration.nodeName,
                redelivered: task.message.headers.redelivered || task.message.properties.redelivered,
                softTimeLimit: task.limits.soft,
                timeLimit: task.limits.hard,
                maxRetries: task.policy.maxRetries
            )
        )
    }
}
