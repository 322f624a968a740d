package import Inspection
import RedisClient
import RedisTransport
import Synchronization

extension RedisQueueAdministration {
    package var queueNames: [String] { allLists.queues }

    package func queues() async throws -> [QueueCounts] {
        try await overviews.snapshot(since: .now - inspector.configuration.lookLifetime).snapshot
    }

    package func counts(of queues: [String]) async throws -> [QueueCounts] {
        let lists = WaitingLists(queues: queues, keys: keys)
        return try await count(lists, namingNextIn: Set(lists.parts.indices), since: .now)
    }

    /// Counts all queues.
    ///
    /// What is next in them is half of Redis' work and is never urgent: where there are very many queues, each is looked at
    /// every few times.
    func countAll() async throws -> [QueueCounts] {
        let parts = memory.ages.withLock { $0.turn(of: allLists.parts.count, atMost: Self.partsLookedAt) }
        return try await count(allLists, namingNextIn: parts, since: .now)
    }

    /// In how many parts of all lists one count looks at what is next: 2,500 queues.
    private static let partsLookedAt = 10

    /// Counts queues; what is held and parked as it was at this moment or later.
    private func count(
        _ lists: WaitingLists,
        namingNextIn parts: Set<Int>,
        since moment: ContinuousClock.Instant
    ) async throws -> [QueueCounts] {
        async let ended = history.counts()
        async let paused = pausedQueues()
        async let others = partitions.snapshot(since: moment)
        let waiting = try await waiting(lists, namingNextIn: parts)
        let (finished, pausedNames, partition) = try await (ended, paused, others.snapshot)
        let consumers = workers.lastKnown?.consumers
        return zip(lists.queues, waiting).map { name, waiting in
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
            counts.isPaused = pausedNames.contains(name)
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

    /// What lists hold, in their order; what is next in each that is not empty, where it was looked at.
    private struct ListCounts {
        var counts: [Int]
        var next: [(list: Int, task: String)]
    }

    /// What waits in each queue: ten thousand of them are forty scripts.
    ///
    /// The next scripts are on their way while the answer of one is read.
    private func waiting(_ lists: WaitingLists, namingNextIn looked: Set<Int>) async throws -> [Waiting] {
        try await withThrowingTaskGroup(of: (Int, [Waiting]).self) { group in
            var found: [[Waiting]] = Array(repeating: [], count: lists.parts.count)
            for place in lists.parts.indices {
                if place >= Self.partsAtOnce, let (done, waiting) = try await group.next() { found[done] = waiting }
                group.addTask { (place, try await self.waiting(lists, place, namesNext: looked.contains(place))) }
            }
            for try await (done, waiting) in group { found[done] = waiting }
            return found.flatMap(\.self)
        }
    }

    /// How many parts are asked for at once.
    private static let partsAtOnce = 3

    private func waiting(_ lists: WaitingLists, _ place: Int, namesNext: Bool) async throws -> [Waiting] {
        let part = lists.parts[place]
        // Hardly anybody uses priorities: whether there is any list besides each queue's first is asked beside counting these.
        async let otherExists = anyExists(part.otherExists)
        let first = try await count(part.first, namesNext: namesNext)
        var counts = first.counts
        var next: [[WaitingAges.Next]] = Array(repeating: [], count: namesNext ? counts.count : 0)
        for (list, task) in first.next { next[list].append(.init(step: 0, task: task)) }
        if try await otherExists {
            let others = try await count(lists.others(of: part), namesNext: namesNext)
            for (list, count) in others.counts.enumerated() { counts[list / lists.otherCount] += count }
            for (list, task) in others.next {
                let (queue, step) = list.quotientAndRemainder(dividingBy: lists.otherCount)
                next[queue].append(.init(step: step + 1, task: task))
            }
        }
        return memory.ages.withLock { ages in
            let now = ContinuousClock.now
            if namesNext {
                for (queue, next) in zip(part.queues, next) { ages.note(next, in: queue, at: now) }
            } else {
                for (queue, count) in zip(part.queues, counts) where count == 0 { ages.forget(queue) }
            }
            return zip(part.queues, counts).map { queue, count in
                Waiting(count: count, oldest: count > 0 ? ages.age(in: queue) : nil)
            }
        }
    }

    private func anyExists(_ command: RedisCommand?) async throws -> Bool {
        guard let command else { return false }
        return try await inspector.send([command], to: inspector.broker).first?.int ?? 0 > 0
    }

    private func count(_ lists: [String], namesNext: Bool) async throws -> ListCounts {
        let reply = try await run(Scripts.countQueues, keys: lists, RedisArguments(namesNext ? 1 : 0))
        guard let parts = reply.array, parts.count == 2, let counts = parts[0].array, counts.count == lists.count,
            let next = parts[1].array
        else { throw InspectionError.unexpected(Scripts.countQueues) }
        return ListCounts(
            counts: counts.map { $0.int ?? 0 },
            next: stride(from: 0, to: next.count - 1, by: 2).compactMap { place in
                guard let list = next[place].int, lists.indices.contains(list - 1), let task = next[place + 1].text
                else { return nil }
                return (list - 1, task)
            }
        )
    }
}
