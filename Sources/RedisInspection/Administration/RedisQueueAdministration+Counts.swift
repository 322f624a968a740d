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
        var found = counts.map { Waiting(count: $0.int ?? 0) }
        for (place, age) in ages(lists, next) {
            found[place / steps].oldest = max(found[place / steps].oldest ?? 0, age)
        }
        return found
    }

    /// For how long the next task of each list has been seen to be the next, by the list's place.
    private func ages(_ lists: [String], _ next: [RedisReply]) -> [(place: Int, seconds: Double)] {
        let now = ContinuousClock.now
        return firstSeen.withLock { firstSeen in
            var ages: [(Int, Double)] = []
            var occupied: Set<Int> = []
            for place in stride(from: 0, to: next.count - 1, by: 2) {
                guard let number = next[place].int, let task = next[place + 1].text, lists.indices.contains(number - 1)
                else { continue }
                let list = lists[number - 1]
                occupied.insert(number - 1)
                if let seen = firstSeen[list], seen.task == task {
                    ages.append((number - 1, (now - seen.since) / .seconds(1)))
                } else {
                    firstSeen[list] = (task, now)
                    ages.append((number - 1, 0))
                }
            }
            for (place, list) in lists.enumerated() where !occupied.contains(place) { firstSeen[list] = nil }
            return ages
        }
    }
}
