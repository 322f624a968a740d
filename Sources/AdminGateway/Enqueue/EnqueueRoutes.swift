import CeleryMessage
import HTTPTypes
import Hummingbird
import Inspection
import Logging

/// Sending tasks: by name, by queue and type, and by an application's own addresses.
struct EnqueueRoutes: Sendable {
    let enqueuer: TaskEnqueuer
    let configuration: GatewayConfiguration
    private let body: BodyReader
    private let flood: RateLimiter

    private var catalog: TaskCatalog { enqueuer.catalog }

    init(enqueuer: TaskEnqueuer, configuration: GatewayConfiguration) {
        self.enqueuer = enqueuer
        self.configuration = configuration
        body = BodyReader(largest: configuration.limits.bodyBytes, longest: configuration.limits.idleTime)
        flood = RateLimiter(perMinute: configuration.limits.tasksPerMinute)
    }

    /// Adds the routes for those who may send anything.
    func add(to routes: some RouterMethods<GatewayContext>) {
        routes.post("/api/tasks", use: byName)
        routes.post("/api/v1/admin/jobs/{queue}", use: byType)
    }

    /// Adds an application's own address.
    func add(_ route: StartRoute, to routes: some RouterMethods<GatewayContext>) {
        routes.post(RouterPath(route.path)) { request, context in try await start(route, request, context) }
    }

    // MARK: By name

    private static let members: Set<String> = [
        "task", "args", "kwargs", "queue", "countdown", "eta", "expires", "priority", "id", "unique", "tenant",
    ]

    @Sendable private func byName(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try checkFlood(context)
        let members = try MemberReader(try await body.object(request), known: Self.members)
        let task = try members.required("task")
        guard let queue = try members.text("queue") ?? catalog.queue(ofTask: task), isKnown(task) else {
            throw GatewayError.invalid("task", "There is no task of that name.")
        }
        guard catalog.queues.contains(queue) || catalog.allowsOthers else {
            throw GatewayError.invalid("queue", "There is no queue of that name.")
        }
        var wanted = TaskRequest(task: task, queue: queue)
        wanted.args = try members.array("args")
        wanted.kwargs = try members.object("kwargs")
        wanted.priority = try members.integer("priority", in: 0...9) ?? 0
        wanted.eta = try eta(members)
        wanted.expires = try expires(members)
        try identify(&wanted, id: try members.text("id"), unique: try members.flag("unique"), members)
        return try answer(await send(wanted, context), wanted)
    }

    private func isKnown(_ task: String) -> Bool { catalog.queue(ofTask: task) != nil }

    private func eta(_ members: MemberReader) throws -> Instant? {
        let moment = try members.moment("eta")
        guard let delay = try members.delay("countdown") else { return moment }
        guard moment == nil else { throw members.invalid("eta", "It cannot stand beside countdown.") }
        return enqueuer.present + delay
    }

    private func expires(_ members: MemberReader) throws -> Instant? {
        if members["expires"]?.number != nil { return try members.delay("expires").map { enqueuer.present + $0 } }
        return try members.moment("expires")
    }

    /// Whoever names the id, or asks for one that follows from the work, gets each task once.
    private func identify(_ wanted: inout TaskRequest, id: String?, unique: Bool, _ members: MemberReader) throws {
        let tenant = try members.text("tenant", longest: 64)
        if let tenant, !tenant.unicodeScalars.allSatisfy({ $0.isASCII && $0.value > 0x20 && $0 != ":" }) {
            throw members.invalid("tenant", "Expected letters, digits and signs without spaces and colons.")
        }
        if let id {
            guard TaskIDParameter.isFit(id) else {
                throw members.invalid("id", "Expected a task's id: 1 to 255 characters without spaces.")
            }
            guard !unique else { throw members.invalid("unique", "It cannot stand beside id.") }
            wanted.id = id
            wanted.uniqueFor = configuration.uniqueFor
        } else if unique {
            let data: JSONValue =
                wanted.args.isEmpty
                ? .object(wanted.kwargs) : ["args": .array(wanted.args), "kwargs": .object(wanted.kwargs)]
            wanted.id = UniqueTaskID.make(task: wanted.task, tenant: tenant, data: data)
            wanted.uniqueFor = configuration.uniqueFor
        }
    }

    private func answer(_ outcome: SendOutcome, _ wanted: TaskRequest) throws -> Response {
        let exists = outcome == .exists
        return .json(
            [
                "success": true, "task_id": .string(wanted.id), "jobId": .string(wanted.id),
                "queue": .string(wanted.queue), "exists": .bool(exists),
            ],
            status: exists ? .ok : .accepted
        )
    }

    // MARK: By queue and type

    @Sendable private func byType(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try checkFlood(context)
        guard let queue = context.parameters.get("queue").flatMap(PercentEncoding.decoded),
            catalog.queues.contains(queue)
        else { throw GatewayError.notFound("There is no queue of that name.") }
        let members = try MemberReader(
            try await body.object(request),
            known: ["type", "data", "options", "unique", "tenant"]
        )
        let tasks = catalog.tasks(ofType: try members.required("type"), in: queue)
        guard let task = tasks.first else {
            throw GatewayError(.notFound, "not_found", "The queue has no task of that type.", field: "type")
        }
        guard tasks.count == 1 else {
            throw members.invalid("type", "Several tasks of the queue have that type: name one in full.")
        }
        let options = try MemberReader(
            try members.object("options"),
            known: ["priority", "delay", "jobId"],
            prefix: "options."
        )
        var wanted = TaskRequest(task: task, queue: queue)
        wanted.kwargs = try members.object("data")
        wanted.priority = try options.integer("priority", in: 0...9) ?? 0
        wanted.eta = try options.delay("delay", unit: 0.001).map { enqueuer.present + $0 }
        try identify(&wanted, id: try options.text("jobId"), unique: try members.flag("unique"), members)
        return try answer(await send(wanted, context), wanted)
    }

    // MARK: By an application's own address

    private func start(_ route: StartRoute, _ request: Request, _ context: GatewayContext) async throws -> Response {
        try checkFlood(context)
        let object = try await body.object(request)
        if let arguments = route.arguments {
            let members = try MemberReader(object, known: Set(arguments))
            if let missing = arguments.first(where: { object[$0] == nil }) {
                throw members.invalid(missing, "It is missing.")
            }
        }
        guard let queue = route.queue ?? catalog.queue(ofTask: route.task) else {
            throw GatewayError.notFound("The task of this address is not configured.")
        }
        var wanted = TaskRequest(task: route.task, queue: queue)
        wanted.kwargs = object
        _ = try await send(wanted, context)
        return .json(["task_id": .string(wanted.id)])
    }

    // MARK: Sending

    private func checkFlood(_ context: GatewayContext) throws {
        guard let seconds = flood.take(context.user?.name ?? context.remoteAddress) else { return }
        throw GatewayError(
            .tooManyRequests,
            "too_many_tasks",
            "More than \(configuration.limits.tasksPerMinute) tasks a minute.",
            retryAfter: seconds
        )
    }

    private func send(_ wanted: TaskRequest, _ context: GatewayContext) async throws -> SendOutcome {
        let outcome = try await enqueuer.send(wanted)
        if case .full(let depth) = outcome {
            throw GatewayError(
                .tooManyRequests,
                "queue_full",
                "\(depth) tasks wait in the queue already.",
                retryAfter: 5
            )
        }
        let who = context.user?.name ?? context.remoteAddress
        let what = outcome == .sent ? "sent to \(wanted.queue)" : "not sent again"
        context.logger.info("Task \(wanted.task)[\(wanted.id)] \(what) for \(who)")
        return outcome
    }
}
