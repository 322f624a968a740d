import CeleryMessage
import Hummingbird
import Inspection

/// What scripts have workers do through Flower, under the same addresses and arguments.
///
/// Mirrors https://flower.readthedocs.io/en/latest/api.html. Whoever asks needs a token and is in the audit list, as
/// everywhere here; refusals are 409 and JSON, where Flower answers 403 and a text.
struct FlowerControlRoutes: Sendable {
    let orders: WorkerOrders
    let body: BodyReader

    func add(operator: RouterGroup<GatewayContext>, admin: RouterGroup<GatewayContext>) {
        admin.group("/api/worker")
            .post("shutdown/{worker}", use: shutDown)
            .post("pool/restart/{worker}") { try await worker($0, $1) { _ in .restartPool } }
            .post("pool/grow/{worker}") { try await worker($0, $1) { .growPool(try Self.count($0)) } }
            .post("pool/shrink/{worker}") { try await worker($0, $1) { .shrinkPool(try Self.count($0)) } }
            .post("pool/autoscale/{worker}") { try await worker($0, $1, Self.autoscale) }
            .post("queue/add-consumer/{worker}") {
                try await worker($0, $1) { .addConsumer(queue: try $0.required("queue")) }
            }
            .post("queue/cancel-consumer/{worker}") {
                try await worker($0, $1) { .cancelConsumer(queue: try $0.required("queue")) }
            }
        admin.group("/api/task")
            .post("timeout/{name}", use: timeLimit)
            .post("rate-limit/{name}", use: rateLimit)
        `operator`.post("/api/task/revoke/{task_id}", use: revoke)
    }

    // MARK: Workers

    private static func count(_ arguments: FlowerArguments) throws -> Int {
        try arguments.integer("n", in: 1...WorkerOrders.mostProcesses) ?? 1
    }

    private static func autoscale(_ arguments: FlowerArguments) throws -> WorkerOrder {
        let bounds = 0...WorkerOrders.mostProcesses
        guard let least = try arguments.integer("min", in: bounds) else {
            throw GatewayError.invalid("min", "It is missing.")
        }
        guard let most = try arguments.integer("max", in: bounds), most > 0 else {
            throw GatewayError.invalid("max", "Expected 1 or more.")
        }
        guard least <= most else {
            throw GatewayError(.conflict, "refused", "Expected no more than max.", field: "min")
        }
        return .autoscale(least: least, most: most)
    }

    @Sendable private func shutDown(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let name = try NameParameter.worker.read(context)
        try await orders.shutDown(name, context)
        return Self.message("\(name) was told to end.")
    }

    private func worker(
        _ request: Request,
        _ context: GatewayContext,
        _ make: (FlowerArguments) throws -> WorkerOrder
    ) async throws -> Response {
        let name = try NameParameter.worker.read(context)
        let order = try make(try await FlowerArguments(request, body))
        return Self.message(try await orders.tell(order, [name], context))
    }

    // MARK: Tasks

    @Sendable private func timeLimit(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let task = try NameParameter.task.read(context)
        let arguments = try await FlowerArguments(request, body)
        let order = WorkerOrder.timeLimit(
            task: task,
            hard: try arguments.seconds("hard"),
            soft: try arguments.seconds("soft")
        )
        return Self.message(try await orders.tell(order, [try arguments.required("workername")], context))
    }

    @Sendable private func rateLimit(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let task = try NameParameter.task.read(context)
        let arguments = try await FlowerArguments(request, body)
        let rate = try arguments.required("ratelimit")
        guard WorkerOrders.isRate(rate) else {
            throw GatewayError.invalid("ratelimit", "Expected a number, or one with /s, /m or /h.")
        }
        let worker = try arguments.required("workername")
        return Self.message(try await orders.tell(.rateLimit(task: task, rate: rate), [worker], context))
    }

    @Sendable private func revoke(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let id = try NameParameter.taskID.read(context)
        let arguments = try await FlowerArguments(request, body)
        let signal = try arguments.text("signal") ?? "SIGTERM"
        guard WorkerOrders.signals.contains(signal) else {
            throw GatewayError.invalid("signal", "Expected SIGTERM, SIGKILL, SIGINT, SIGQUIT, SIGUSR1 or SIGHUP.")
        }
        let order = WorkerOrder.revoke(ids: [id], terminate: try arguments.flag("terminate"), signal: signal)
        _ = try await orders.tell(order, [], context)
        return Self.message("\(id) is revoked.")
    }

    // MARK: Answering

    private static func message(_ replies: [WorkerReply]) -> Response {
        let reply = replies.first?.done
        return message(reply?.string ?? reply?.pythonRepr ?? "done")
    }

    private static func message(_ text: String) -> Response { .json(["message": .string(text)]) }
}
