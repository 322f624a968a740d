package import Inspection
import RedisClient
import RedisTransport
import Synchronization

extension RedisQueueAdministration {
    package var queueNames: [String] { inspector.configuration.queues.sorted() }

    package func queues() async throws -> [QueueCounts] {
        try await overviews.snapshot(since: .now - inspector.configuration.lookLifetime).snapshot
    }

    package func counts(of queues: [String]) async throws -> [QueueCounts] { try await count(queues, since: .now) }

    /// Counts queues; what is held and parked as it was at this moment or later.
    func count(_ names: [String], since moment: ContinuousClock.Instant) async throws -> [QueueCounts] {
        let waiting = try await waiting(names)
        let (partition, _) = try await partitions.snapshot(since: moment)
        let finished = try await history.counts()
        let paused = try await pausedQueues()
        let consumers = workers.lastKnown?.consumers
        return zip(names, waiting).map { name, waiting in
            var counts = QueueCounts(name: name)
            counts.waiting = waiting.count
            counts.oldestWaiting = waiting.oldest
            counts.active = partition.held.map { $0[name] ?? 0 }
            counts.delayed = partition.parked.map { $0[name] ?? 0 }
            if let ended = finished[name] {
                counts.completed = ended.completedKept
                counts.failed = ended.failedKept
                counts.completedEver = ended.completed
                counts.failedEver = ended.failed
            }
            counts.isPaused = paused.contains(name)
            counts.consumers = consumers.map { $0[name] ?? 0 }
            return counts
        }
    }

    /// The queues that are paused.
    func pausedQueues() async throws -> Set<String> {
        let replies = try await inspector.send([RedisCommand("SMEMBERS", keys.paused)], to: inspector.broker)
        // A key of another type pauses nothing.
        return Set((replies.first?.array ?? []).compactMap(\.text))
    }

    // MARK: What waits

    private struct Waiting {
        var count = 0
        var oldest: Double?
    }

    /// How many queues one script counts: less than a millisecond.
    private static let chunk = 250

    /// What waits in each queue: ten thousand of them are forty scripts, and other clients come in between.
    ///
    /// The next script is on its way while the answer of the one before is read.
    private func waiting(_ names: [String]) async throws -> [Waiting] {
        var parts: [ArraySlice<String>] = []
        for start in stride(from: 0, to: names.count, by: Self.chunk) {
            parts.append(names[start..<min(start + Self.chunk, names.count)])
        }
        return try await withThrowingTaskGroup(of: (Int, [Waiting]).self) { [parts] group in
            var found: [[Waiting]] = Array(repeating: [], count: parts.count)
            for (place, part) in parts.enumerated() {
                if place > 1, let (done, waiting) = try await group.next() { found[done] = waiting }
                group.addTask { (place, try await self.waitingAtOnce(part)) }
            }
            for try await (done, waiting) in group { found[done] = waiting }
            return found.flatMap(\.self)
        }
    }

    private func waitingAtOnce(_ names: ArraySlice<String>) async throws -> [Waiting] {
        let steps = keys.prioritySteps.count
        let lists = names.flatMap { self.lists(of: $0) }
        let reply = try await run(Scripts.countQueues, keys: lists, RedisArguments(steps))
        guard let parts = reply.array, parts.count == 2, let counts = parts[0].array, counts.count == names.count,
            let next = parts[1].array
        else { throw InspectionError.unexpected(Scripts.countQueues) }
        let oldest = ages(names, next, steps: steps)
        return zip(counts, oldest).map { count, oldest in Waiting(count: count.int ?? 0, oldest: oldest) }
    }

    /// For how long the oldest of each queue's next tasks has been seen to be the next; `nil` where nothing waits.
    ///
    /// - Parameter next: Place of a list among all lists of the queues, from one on, and its next task, in turns.
    private func ages(_ names: ArraySlice<String>, _ next: [RedisReply], steps: Int) -> [Double?] {
        let now = ContinuousClock.now
        var found: [[(step: Int, task: String)]] = Array(repeating: [], count: names.count)
        for place in stride(from: 0, to: next.count - 1, by: 2) {
            guard let list = next[place].int, let task = next[place + 1].text else { continue }
            let (queue, step) = (list - 1).quotientAndRemainder(dividingBy: steps)
            if found.indices.contains(queue) { found[queue].append((step, task)) }
        }
        return firstSeen.withLock { firstSeen in
            zip(names, found).map { name, found in
                let before = firstSeen[name]
                guard !found.isEmpty else {
                    if before != nil { firstSeen[name] = nil }
                    return nil
                }
                let seen = found.map { step, task in
                    before?.first { $0.step == step && $0.task == task } ?? Next(step: step, task: task, since: now)
                }
                firstSeen[name] = seen
                return seen.map { (now - $0.since) / .seconds(1) }.max()
            }
        }
    }
}
