package import CeleryMessage
package import Inspection
import RedisClient
import RedisTransport
import Transport

/// Gathers what there is to say about a task that does not run.
package struct RedisExplainer: Explaining {
    private let tasks: TaskInspector
    private let queues: RedisQueueAdministration
    private let workers: RedisWorkerAdministration
    private let tenants: TenantNames

    package init(
        tasks: TaskInspector,
        queues: RedisQueueAdministration,
        workers: RedisWorkerAdministration,
        tenants: TenantNames
    ) {
        self.tenants = tenants
        self.tasks = tasks
        self.queues = queues
        self.workers = workers
    }

    private var inspector: RedisInspector { queues.inspector }
    private var keys: RedisKeys { queues.keys }
    private var transport: RedisTransportConfiguration { inspector.configuration.transport }

    package func explain(_ taskID: String) async throws -> Explanation {
        let status = try await tasks.status(of: taskID, thoroughly: true)
        var facts = TaskFacts(status: status)
        guard !status.state.isReady else { return Explanation(facts) }
        facts.isRevoked =
            try await inspector.send([RedisCommand("ZSCORE", keys.revoked, taskID)], to: inspector.broker)[0].double
            != nil
        let snapshot = try await workers.snapshot()
        if let queue = status.search?.whereabouts?.queue {
            facts.isQueuePaused = try await queues.pausedQueues().contains(queue)
            try await add(&facts, taskID, queue, snapshot)
        } else if status.search?.whereabouts == nil {
            facts.chord = try await chord(of: taskID)
        }
        return Explanation(facts)
    }

    private func add(
        _ facts: inout TaskFacts,
        _ taskID: String,
        _ queue: String,
        _ snapshot: RedisWorkerAdministration.Snapshot
    ) async throws {
        let message = try await queues.find(taskID, in: queue, most: 20_000)
        let task = message.flatMap { queues.decoded($0.item) }
        facts.task = task?.headers.task
        facts.expires = task?.headers.expiresInstant
        facts.eta = task?.headers.etaInstant
        let consumers = snapshot.facts.filter { $0.queues.contains(queue) }
        facts.consumers = consumers.count
        if let name = facts.task {
            facts.knowing = consumers.count { snapshot.registered[$0.name]?.contains(name) ?? true }
        }
        facts.running = consumers.reduce(0) { $0 + $1.active }
        facts.room = consumers.reduce(0) { $0 + ($1.concurrency ?? 0) }
        if case .parked(let member, _)? = message?.place, RedisTenants.parks(member: member), let task {
            facts.bound = try await bound(of: task)
        }
        if case .held(let tag)? = message?.place { facts.holder = try await holder(tag, taskID, snapshot) }
    }

    /// The plan for whose room a message waits.
    private func bound(of task: TaskMessage) async throws -> TaskFacts.Bound? {
        guard let plans = inspector.configuration.tenants, let tenant = tenants.tenant(of: ReceivedMessage(task)) else {
            return nil
        }
        let administration = RedisTenantAdministration(inspector: inspector, plans: plans)
        return TaskFacts.Bound(try await administration.tenant(tenant))
    }

    /// Who holds a message: Celeriac's tags name their worker, Kombu's nobody.
    private func holder(
        _ tag: String,
        _ taskID: String,
        _ snapshot: RedisWorkerAdministration.Snapshot
    ) async throws -> TaskFacts.Holder {
        let id = tag.lastIndex(of: ":").map { String(tag[..<$0]) }
        let replies = try await inspector.send(
            [
                RedisCommand("ZSCORE", keys.workers, id ?? tag), RedisCommand("ZSCORE", keys.unackedIndex, tag),
                RedisCommand("TIME"),
            ],
            to: inspector.broker
        )
        let lastSign = replies[0].double
        let now = replies[2].array?.first?.int.map(Double.init) ?? Instant.now().seconds
        var holder = TaskFacts.Holder(worker: id ?? tag)
        if id != nil {
            let deadAfter = Double(transport.deadAfter)
            holder.isAlive = lastSign.map { now - $0 < deadAfter } ?? false
            if holder.isAlive == false { holder.until = Instant(seconds: (lastSign ?? now) + deadAfter) }
        } else {
            holder.until = replies[1].double.map { Instant(seconds: $0 + transport.visibilityTimeout) }
        }
        if let running = snapshot.tasks[taskID] {
            holder.worker = running.worker
            holder.runs = running.startedAt != nil
            holder.stalledSince = running.stalledSince
        }
        return holder
    }

    // MARK: Chords

    /// The chord that sends a task when its parts have ended: one of the parts that can be seen names it.
    private func chord(of taskID: String) async throws -> TaskFacts.Chord? {
        var open: [String] = []
        var group: String?
        var parts: Int?
        for queue in queues.queueNames.prefix(200) {
            for message in try await queues.messages(in: queue, most: 200) {
                guard let task = queues.decoded(message.item), let body = task.payload.embed.chord,
                    body.options["task_id"]?.string == taskID, let id = task.headers.group
                else { continue }
                group = id
                open.append(task.headers.id)
                let size = body.extra["chord_size"] ?? body.options["chord_size"]
                parts = size?.int.flatMap { Int(exactly: $0) } ?? parts
            }
        }
        guard let group, let results = inspector.results else { return nil }
        let key = keys.group(groupID: group)
        let replies = try await inspector.send(
            [RedisCommand("ZCARD", key + ".j"), RedisCommand("GET", key + ".s")],
            to: results
        )
        return TaskFacts.Chord(
            group: group,
            ended: replies[0].int,
            parts: parts ?? replies[1].text.flatMap { Int($0) },
            open: open
        )
    }
}
