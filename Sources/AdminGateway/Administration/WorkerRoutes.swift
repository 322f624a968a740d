import CeleryMessage
import HTTPTypes
import Hummingbird
import Inspection

/// The workers: what they say about themselves, and what they can be told.
struct WorkerRoutes: Sendable {
    let administration: Administration
    let orders: WorkerOrders
    let body: BodyReader

    private var workers: any WorkerAdministration { administration.workers }

    func add(
        viewer: RouterGroup<GatewayContext>,
        operator: RouterGroup<GatewayContext>,
        admin: RouterGroup<GatewayContext>
    ) {
        let path: RouterPath = "/api/v1/admin/workers"
        viewer.group(path).get(use: list).get("{worker}", use: detail)
        admin.group(path)
            .post("{worker}/shutdown", use: shutDown)
            .post("{worker}/pool/grow") { try await order($0, $1, ["n"]) { .growPool(try Self.count($0)) } }
            .post("{worker}/pool/shrink") { try await order($0, $1, ["n"]) { .shrinkPool(try Self.count($0)) } }
            .post("{worker}/pool/restart") { try await order($0, $1, []) { _ in .restartPool } }
            .post("{worker}/autoscale") { try await order($0, $1, ["min", "max"], Self.autoscale) }
            .post("{worker}/queues/add") {
                try await order($0, $1, ["queue"]) { .addConsumer(queue: try $0.required("queue")) }
            }
            .post("{worker}/queues/cancel") {
                try await order($0, $1, ["queue"]) { .cancelConsumer(queue: try $0.required("queue")) }
            }
            .post("{worker}/events/enable") { try await order($0, $1, []) { _ in .enableEvents } }
            .post("{worker}/events/disable") { try await order($0, $1, []) { _ in .disableEvents } }
        admin.post("/api/v1/admin/limits/rate", use: rateLimit)
        admin.post("/api/v1/admin/limits/time", use: timeLimit)
        `operator`.post("/api/v1/admin/revoke", use: revoke)
    }

    // MARK: Looking

    @Sendable private func list(_ request: Request, _ context: GatewayContext) async throws -> Response {
        _ = try QueryReader(request, known: [])
        return .success(.array(try await workers.workers().map { .object($0.json) }))
    }

    @Sendable private func detail(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let name = try NameParameter.worker.read(context)
        _ = try QueryReader(request, known: [])
        guard let worker = try await workers.worker(name) else { throw WorkerOrders.silent }
        return .success(.object(worker.json))
    }

    // MARK: Telling one

    private static func count(_ members: MemberReader) throws -> Int {
        try members.integer("n", in: 1...WorkerOrders.mostProcesses) ?? 1
    }

    private static func autoscale(_ members: MemberReader) throws -> WorkerOrder {
        guard let most = try members.integer("max", in: 1...WorkerOrders.mostProcesses) else {
            throw members.invalid("max", "It is missing.")
        }
        let least = try members.integer("min", in: 0...WorkerOrders.mostProcesses) ?? 0
        guard least <= most else {
            throw GatewayError(.conflict, "refused", "Expected no more than max.", field: "min")
        }
        return .autoscale(least: least, most: most)
    }

    private func order(
        _ request: Request,
        _ context: GatewayContext,
        _ known: Set<String>,
        _ make: (MemberReader) throws -> WorkerOrder
    ) async throws -> Response {
        let name = try NameParameter.worker.read(context)
        let order = try make(try MemberReader(try await body.optionalObject(request), known: known))
        return try await tell(order, [name], context)
    }

    @Sendable private func shutDown(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let name = try NameParameter.worker.read(context)
        _ = try MemberReader(try await body.optionalObject(request), known: [])
        try await orders.shutDown(name, context)
        return .success(["worker": .string(name), "outcome": "told"], status: .accepted)
    }

    private func tell(_ order: WorkerOrder, _ nodes: [String], _ context: GatewayContext) async throws -> Response {
        .success(.array(try await orders.tell(order, nodes, context).map(\.json)))
    }

    // MARK: Telling all

    private static func nodes(_ members: MemberReader) throws -> [String] {
        try members.names("workers", 0...1000, of: "names of workers")
    }

    @Sendable private func revoke(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let members = try MemberReader(try await body.object(request), known: ["ids", "terminate", "signal"])
        let ids = try members.names("ids", 1...1000, of: "ids of tasks")
        let signal = try members.text("signal") ?? "SIGTERM"
        guard WorkerOrders.signals.contains(signal) else {
            throw members.invalid("signal", "Expected SIGTERM, SIGKILL, SIGINT, SIGQUIT, SIGUSR1 or SIGHUP.")
        }
        let order = WorkerOrder.revoke(
            ids: ids,
            terminate: try members.flag("terminate"),
            signal: signal
        )
        return try await tell(order, [], context)
    }

    @Sendable private func rateLimit(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let members = try MemberReader(try await body.object(request), known: ["task", "rate", "workers"])
        let rate = try members.required("rate")
        guard WorkerOrders.isRate(rate) else {
            throw members.invalid("rate", "Expected a number, or one with /s, /m or /h.")
        }
        let order = WorkerOrder.rateLimit(task: try members.required("task"), rate: rate)
        return try await tell(order, try Self.nodes(members), context)
    }

    @Sendable private func timeLimit(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let members = try MemberReader(try await body.object(request), known: ["task", "hard", "soft", "workers"])
        let order = WorkerOrder.timeLimit(
            task: try members.required("task"),
            hard: try members.delay("hard").map { $0 / .seconds(1) },
            soft: try members.delay("soft").map { $0 / .seconds(1) }
        )
        return try await tell(order, try Self.nodes(members), context)
    }
}
