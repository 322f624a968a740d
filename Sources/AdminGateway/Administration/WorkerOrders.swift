import CeleryMessage
import Hummingbird
import Inspection

/// Tells workers what to do, and has that remembered in the audit list.
struct WorkerOrders: Sendable {
    let workers: any WorkerAdministration
    let auditor: Auditor

    /// The most processes a pool may be told to have.
    static let mostProcesses = 1000
    /// By which a task may be ended.
    static let signals: Set<String> = ["SIGTERM", "SIGKILL", "SIGINT", "SIGQUIT", "SIGUSR1", "SIGHUP"]
    static var silent: GatewayError { .notFound("No worker of that name answers.") }

    /// Tells the workers of these names, or all; 404 where none of them answers, 409 where all that do refuse.
    func tell(_ order: WorkerOrder, _ nodes: [String], _ context: GatewayContext) async throws -> [WorkerReply] {
        let replies = try await hear(order, nodes, context)
        guard !replies.isEmpty || nodes.isEmpty else { throw Self.silent }
        if let refusal = replies.first?.error, !replies.contains(where: \.isOK) {
            throw GatewayError(.conflict, "refused", "The worker refuses: \(refusal.prefix(200))")
        }
        return replies
    }

    /// Tells the workers of these names, or all, and answers what they say, be it nothing or no.
    func hear(_ order: WorkerOrder, _ nodes: [String], _ context: GatewayContext) async throws -> [WorkerReply] {
        try await auditor.change(
            order.action,
            order.target ?? nodes.first ?? "*",
            context,
            outcome: { Self.outcome(order, nodes, $0) }
        ) { try await workers.tell(order, to: nodes) }
    }

    private static func outcome(_ order: WorkerOrder, _ nodes: [String], _ replies: [WorkerReply]) -> Auditor.Outcome {
        // One that ends answers nothing.
        if order == .shutDown { return .init(name: "told") }
        if replies.isEmpty, !nodes.isEmpty { return .init(name: silent.code) }
        return .init(
            name: replies.allSatisfy(\.isOK) ? "done" : "refused",
            detail: ["workers": .array(replies.map { .string($0.node) })]
        )
    }

    /// Has a worker end; one that ends answers nothing, so it is looked for before.
    func shutDown(_ name: String, _ context: GatewayContext) async throws {
        try await auditor.change("worker.shutdown", name, context, outcome: { .init(name: "told") }) {
            guard try await workers.workers().contains(where: { $0.name == name }) else { throw Self.silent }
            _ = try await workers.tell(.shutDown, to: [name])
        }
    }

    /// `10`, `0.5/s`, `100/m`, `3/h`.
    static func isRate(_ text: String) -> Bool {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard let first = parts.first, parts.count <= 2, let number = Double(first), number.isFinite, number >= 0 else {
            return false
        }
        return parts.count == 1 || ["s", "m", "h"].contains(parts[1])
    }
}

extension WorkerOrder {
    /// What the audit list calls it.
    var action: String {
        switch self {
        case .shutDown: "worker.shutdown"
        case .growPool: "worker.pool_grow"
        case .shrinkPool: "worker.pool_shrink"
        case .autoscale: "worker.autoscale"
        case .restartPool: "worker.pool_restart"
        case .addConsumer: "worker.add_consumer"
        case .cancelConsumer: "worker.cancel_consumer"
        case .revoke(_, let terminate, _): terminate ? "task.terminate" : "task.revoke"
        case .rateLimit: "task.rate_limit"
        case .timeLimit: "task.time_limit"
        case .enableEvents: "worker.enable_events"
        case .disableEvents: "worker.disable_events"
        }
    }

    /// What it is done to, where that is no worker.
    var target: String? {
        switch self {
        case .revoke(let ids, _, _): ids.count == 1 ? ids[0] : "\(ids.count) tasks, \(ids.first ?? "") first"
        case .rateLimit(let task, _), .timeLimit(let task, _, _): task
        default: nil
        }
    }
}
