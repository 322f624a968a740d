import Logging

extension Worker {
    /// Puts what has not started of paused queues back; they stay there until they are resumed.
    ///
    /// The broker itself gives nothing out of a paused queue, so this is about what was claimed before the pause.
    func pause(_ names: Set<String>) {
        let mine = Set(queues.map(\.policy.name))
        for name in mine.intersection(names).subtracting(pausedQueues).sorted() {
            logger.warning("Queue \(name) is paused: no task of it starts until it is resumed")
        }
        for name in mine.intersection(pausedQueues).subtracting(names).sorted() {
            logger.info("Queue \(name) is resumed")
            wantsClaim.raise()
        }
        pausedQueues = names
        guard phase == .running, !mine.isDisjoint(with: names) else { return }
        // The one claimed first is to be in front again.
        let waiting = active.values
            .filter { $0.stage == .reserved && names.contains(queues[$0.queue].policy.name) }
            .sorted { $0.job > $1.job }
        guard !waiting.isEmpty else { return }
        for task in waiting { end(task.job, .interrupted, enqueued: [], runtime: nil) }
        for place in pools.indices { pools[place].reserved.removeAll { active[$0] == nil } }
        logger.info("Putting \(waiting.count) message(s) of paused queues back")
    }
}
