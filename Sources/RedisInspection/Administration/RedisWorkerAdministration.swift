import CeleryMessage
package import Inspection
package import Logging
package import NIOCore
import RedisClient
package import RedisTransport
import RemoteControl
import Synchronization

/// Asks and tells workers over remote control, Celeriac's and Celery's alike.
///
/// What they said is kept for a moment; whoever cannot wait for their answers gets what was known before.
package final class RedisWorkerAdministration: Sendable {
    /// What all workers said at one moment.
    struct Snapshot: Sendable {
        /// A task that a worker has; without a beginning where it has not begun.
        struct Running: Sendable {
            var worker: String
            var startedAt: Instant?
            var stalledSince: Instant?
        }

        var facts: [WorkerFacts] = []
        /// By the task's id.
        var tasks: [String: Running] = [:]
        /// By the worker's name.
        var registered: [String: Set<String>] = [:]

        /// How many workers consume each queue.
        var consumers: [String: Int] {
            facts.reduce(into: [:]) { counts, worker in
                for queue in worker.queues { counts[queue, default: 0] += 1 }
            }
        }
    }

    private struct State {
        var last: (snapshot: Snapshot, at: ContinuousClock.Instant)?
        var running: Task<Snapshot, any Error>?
    }

    /// How long workers have for an answer, in seconds.
    private static let patience = 1.0
    /// For how long an answer is new.
    private static let fresh = Duration.seconds(2)
    /// For how long an answer serves while a new one is on its way.
    private static let usable = Duration.seconds(15)
    /// How long workers have that replace their processes.
    private static let longPatience = 10.0

    let transport: RedisTransportConfiguration
    let exchange: String
    let eventLoop: any EventLoop
    let logger: Logger
    private let state = Mutex(State())

    /// An administration that connects when somebody asks.
    ///
    /// - Parameter exchange: `celery.pidbox`, unless `control_exchange` says otherwise.
    package init(
        transport: RedisTransportConfiguration,
        exchange: String,
        eventLoop: any EventLoop,
        logger: Logger
    ) {
        self.transport = transport
        self.exchange = exchange
        self.eventLoop = eventLoop
        self.logger = logger
    }

    // MARK: What is known

    /// What was known a moment ago, without waiting; a new look begins where that is old.
    var lastKnown: Snapshot? {
        let last = state.withLock { $0.last }
        if last.map({ .now - $0.at > Self.fresh }) ?? true { _ = look() }
        return last.flatMap { .now - $0.at < Self.usable * 4 ? $0.snapshot : nil }
    }

    /// What all workers say.
    func snapshot() async throws -> Snapshot {
        if let last = state.withLock({ $0.last }) {
            let age = ContinuousClock.now - last.at
            if age < Self.usable {
                if age > Self.fresh { _ = look() }
                return last.snapshot
            }
        }
        return try await look().value
    }

    /// Asks everybody; those who ask at the same time share the answers.
    private func look() -> Task<Snapshot, any Error> {
        state.withLock { state in
            if let running = state.running { return running }
            let task = Task {
                defer { self.state.withLock { $0.running = nil } }
                let snapshot = try await ask()
                self.state.withLock { $0.last = (snapshot, .now) }
                return snapshot
            }
            state.running = task
            return task
        }
    }

    private func ask() async throws -> Snapshot {
        let methods = ["stats", "active_queues", "active", "reserved", "registered"]
        let replies = try await call(methods.map { .init($0) }, to: [], timeout: Self.patience)
        var answers: [String: [String: JSONValue]] = [:]
        for reply in replies { answers[reply.node, default: [:]][methods[reply.question]] = reply.value }
        var snapshot = Snapshot()
        for (name, answer) in answers.sorted(by: { $0.key < $1.key }) where answer["stats"]?["pool"] != nil {
            snapshot.facts.append(WorkerFacts(name: name, answer))
            // A task may begin between the two answers: what runs counts.
            for task in WorkerTask.tasks(answer["reserved"]) { snapshot.tasks[task.id] = .init(worker: name) }
            for task in WorkerTask.tasks(answer["active"]) {
                snapshot.tasks[task.id] = .init(
                    worker: name,
                    startedAt: task.startedAt,
                    stalledSince: task.stalledSince
                )
            }
            snapshot.registered[name] = Set(WorkerTask.names(answer["registered"]))
        }
        return snapshot
    }

    /// The name of every worker that answers, once for each: two workers may go by one name.
    func nodeNames() async throws -> [String] {
        // Beat answers to this one alone, and is no worker.
        try await call([.init("clock")], to: [], timeout: Self.patience).map(\.node).sorted()
    }

    // MARK: Talking

    /// Asks over a connection of its own: it blocks while answers are awaited.
    private func call(
        _ questions: [ControlClient.Question],
        to nodes: [String],
        timeout: Double
    ) async throws -> [ControlClient.Reply] {
        try await connected { client in
            try await ControlClient(client: client, transport: self.transport, exchange: self.exchange)
                .call(questions, destination: nodes, timeout: timeout, trustsCount: true)
        }
    }

    func connected<Value>(_ body: (RedisClient) async throws -> Value) async throws -> Value {
        let client = RedisClient(configuration: transport.broker, eventLoop: eventLoop, logger: logger)
        do {
            try await client.connect()
            let value = try await body(client)
            await client.close()
            return value
        } catch let error as RedisError {
            await client.close()
            throw InspectionError(error)
        } catch {
            await client.close()
            throw error
        }
    }
}

extension RedisWorkerAdministration: WorkerAdministration {
    package func workers() async throws -> [WorkerFacts] { try await snapshot().facts }

    package func lastSeen() async throws -> [WorkerFacts]? { lastKnown?.facts }

    package func worker(_ name: String) async throws -> WorkerDetail? {
        let methods = [
            "stats", "active_queues", "active", "reserved", "scheduled", "registered", "revoked", "conf",
        ]
        let replies = try await call(methods.map { .init($0) }, to: [name], timeout: Self.patience)
        var answer: [String: JSONValue] = [:]
        for reply in replies where reply.node == name { answer[methods[reply.question]] = reply.value }
        return answer.isEmpty ? nil : WorkerDetail(name: name, answer)
    }

    package func tell(_ order: WorkerOrder, to nodes: [String]) async throws -> [WorkerReply] {
        let question = order.question
        // What was known is changed by this.
        defer { state.withLock { $0.last = nil } }
        if case .revoke(let ids, _, _) = order { try await remember(ids) }
        if order == .shutDown {
            try await connected { client in
                try await ControlClient(client: client, transport: self.transport, exchange: self.exchange)
                    .cast(question.method, question.arguments, destination: nodes)
            }
            return []
        }
        let timeout = order == .restartPool ? Self.longPatience : Self.patience
        return try await call([question], to: nodes, timeout: timeout).map { reply in
            if let error = reply.value["error"] {
                return WorkerReply(node: reply.node, done: nil, error: error.string ?? error.pythonRepr)
            }
            return WorkerReply(node: reply.node, done: reply.value["ok"] ?? reply.value)
        }
    }

    /// A worker that does not listen just now finds them at its next start.
    private func remember(_ ids: [String]) async throws {
        let key = transport.keys.revoked
        let now = Instant.now().seconds
        var add = RedisCommand("ZADD", key)
        for id in ids {
            add.append(String(now))
            add.append(id)
        }
        let commands = [
            add,
            RedisCommand("ZREMRANGEBYSCORE", key, "-inf", String(now - Double(transport.revokedTimeToLive))),
            RedisCommand("ZREMRANGEBYRANK", key, "0", String(-transport.revokedLimit - 1)),
            RedisCommand("EXPIRE", key, String(transport.revokedTimeToLive)),
        ]
        try await connected { client in _ = try await client.send(commands) }
    }
}

extension WorkerOrder {
    /// As Celery's remote control calls it.
    fileprivate var question: ControlClient.Question {
        switch self {
        case .shutDown: .init("shutdown")
        case .growPool(let count): .init("pool_grow", ["n": .int(Int64(count))])
        case .shrinkPool(let count): .init("pool_shrink", ["n": .int(Int64(count))])
        case .autoscale(let least, let most): .init("autoscale", ["max": .int(Int64(most)), "min": .int(Int64(least))])
        case .restartPool: .init("pool_restart", ["reload": false])
        case .addConsumer(let queue): .init("add_consumer", ["queue": .string(queue)])
        case .cancelConsumer(let queue): .init("cancel_consumer", ["queue": .string(queue)])
        case .revoke(let ids, let terminate, let signal):
            .init(
                "revoke",
                [
                    "task_id": ids.count == 1 ? .string(ids[0]) : .array(ids.map(JSONValue.string)),
                    "terminate": .bool(terminate), "signal": .string(signal),
                ]
            )
        case .rateLimit(let task, let rate):
            .init("rate_limit", ["task_name": .string(task), "rate_limit": .string(rate)])
        case .timeLimit(let task, let hard, let soft):
            .init("time_limit", ["task_name": .string(task), "hard": Self.number(hard), "soft": Self.number(soft)])
        case .enableEvents: .init("enable_events")
        case .disableEvents: .init("disable_events")
        }
    }

    private static func number(_ seconds: Double?) -> JSONValue {
        guard let seconds else { return .null }
        return Int64(exactly: seconds).map(JSONValue.int) ?? .double(seconds)
    }
}
