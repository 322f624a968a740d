import CeleryMessage
import Hummingbird
import Inspection
import Logging

/// Sending tasks as scripts do through Flower, within the bounds of every task that is sent here.
///
/// The body is JSON whatever its type says, as Flower reads it. Options of Celery that would have no effect are refused.
struct FlowerSendingRoutes: Sendable {
    let enqueueing: EnqueueRoutes
    let results: FlowerResultRoutes

    private static let members: Set<String> = [
        "args", "kwargs", "queue", "priority", "countdown", "eta", "expires", "task_id",
    ]

    func add(to routes: RouterGroup<GatewayContext>) {
        routes.group("/api/task")
            .post("apply/{name}", use: apply)
            .post("async-apply/{name}", use: send)
            .post("send-task/{name}", use: send)
    }

    /// Sends a task and answers its result, or after the time how far it is.
    @Sendable private func apply(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let (wanted, members) = try await read(request, context, and: ["timeout"])
        let limit = try members.delay("timeout") ?? results.longest
        // Who cannot wait here is told so before anything is sent.
        let place = try results.waiting.enter()
        defer { place.leave() }
        return try await send(wanted, context) { try await results.end(of: wanted.id, within: limit) }
    }

    @Sendable private func send(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let (wanted, _) = try await read(request, context)
        return try await send(wanted, context) { try await results.inspector.record(of: wanted.id) }
    }

    private func send(
        _ wanted: TaskRequest,
        _ context: GatewayContext,
        _ record: () async throws -> ResultRecord?
    ) async throws -> Response {
        if case .ran(let outcome) = try await enqueueing.send(wanted, context) {
            return .json(.object(Self.json(wanted.id, outcome)))
        }
        do {
            return .json(.object(FlowerResultRoutes.json(wanted.id, try await record())))
        } catch let error as InspectionError {
            // The task is sent: whoever asked has to know its id, whatever else can be said.
            if error.code != .noResultBackend {
                context.logger.warning("What became of \(wanted.id) cannot be told: \(error)")
            }
            return .json(["task-id": .string(wanted.id)])
        }
    }

    // MARK: Reading and answering

    private func read(
        _ request: Request,
        _ context: GatewayContext,
        and own: Set<String> = []
    ) async throws -> (TaskRequest, MemberReader) {
        try enqueueing.checkFlood(context)
        let task = try NameParameter.task.read(context)
        var object = try await enqueueing.body.objectOfAnyType(request)
        // Flower takes numbers in quotation marks here.
        for name in ["countdown", "expires", "timeout"] {
            if let number = object[name]?.string.flatMap(Double.init) { object[name] = .double(number) }
        }
        let members = try MemberReader(object, known: Self.members.union(own))
        guard var wanted = try enqueueing.wanted(task, members) else {
            throw GatewayError.notFound("There is no task of that name.")
        }
        wanted.args = try members.array("args")
        wanted.kwargs = try members.object("kwargs")
        let id = try members.text("task_id")
        guard id.map(NameParameter.isFit) ?? true else {
            throw members.invalid("task_id", "Expected a task's id: 1 to 255 characters without spaces.")
        }
        try enqueueing.identify(&wanted, id: id, unique: false, tenant: nil, members)
        return (wanted, members)
    }

    /// A task that ran here, where no queue could be reached.
    private static func json(_ id: String, _ outcome: RunOutcome) -> JSONObject {
        switch outcome {
        case .success(let value, _): ["task-id": .string(id), "state": "SUCCESS", "result": value, "sync": true]
        case .failure(let type, let message):
            [
                "task-id": .string(id), "state": "FAILURE",
                "result": .string("\(type)(\(JSONValue.string(message).pythonRepr))"), "traceback": nil, "sync": true,
            ]
        }
    }
}
