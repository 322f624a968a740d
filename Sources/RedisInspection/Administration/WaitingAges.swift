import Synchronization

/// For how long the task that is next in a list has been seen to be the next.
///
/// A message says when it is due, never when it was sent. What was next before and still is has waited for at least that
/// long, whoever's clock the sender went by.
struct WaitingAges {
    /// The task that is next in a list of a queue.
    struct Next {
        /// The place of the list among the queue's, the most urgent first.
        var step: Int
        var task: String
    }

    private struct Seen {
        let next: Next
        let since: ContinuousClock.Instant
    }

    private struct Queue {
        var seen: [Seen]
        /// When somebody looked.
        var at: ContinuousClock.Instant
    }

    private var queues: [String: Queue] = [:]
    private var turn = 0

    /// Takes note of what is next in a queue's lists now; nothing, where it is empty.
    mutating func note(_ next: [Next], in queue: String, at now: ContinuousClock.Instant) {
        guard !next.isEmpty else { return forget(queue) }
        let before = queues[queue]?.seen ?? []
        let seen = next.map { next in
            before.first { $0.next.step == next.step && $0.next.task == next.task } ?? Seen(next: next, since: now)
        }
        queues[queue] = Queue(seen: seen, at: now)
    }

    /// Takes note that nothing waits in a queue.
    mutating func forget(_ queue: String) {
        // Most queues of a large deployment are empty most of the time.
        if queues[queue] != nil { queues[queue] = nil }
    }

    /// For how many seconds, when somebody looked last, the oldest of what is next in a queue had been seen to be.
    func age(in queue: String) -> Double {
        guard let queue = queues[queue] else { return 0 }
        return queue.seen.map { (queue.at - $0.since) / .seconds(1) }.max() ?? 0
    }

    /// Which of so many parts are looked at this time: as many as may be, in turns.
    mutating func turn(of parts: Int, atMost most: Int) -> Set<Int> {
        guard parts > most else { return Set(0..<parts) }
        let chosen = (turn..<turn + most).map { $0 % parts }
        turn = (turn + most) % parts
        return Set(chosen)
    }
}

/// What is remembered of queues from one count to the next; it outlives the configuration.
package final class QueueMemory: Sendable {
    let ages = Mutex(WaitingAges())

    /// Nothing yet.
    package init() {}
}
