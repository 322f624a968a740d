import CeleryMessage
import HTTPTypes
import Hummingbird
import Inspection
import Logging

/// Sending tasks: by name, by queue and type, and by an application's own addresses.
struct EnqueueRoutes: Sendable {
    let enqueuer: TaskEnqueuer
    /// Runs tasks where no queue can be reached; `nil` where none may run so.
    let runner: (any TaskRunning)?
    let configuration: GatewayConfiguration
    let body: BodyReader
    private let flood: RateLimiter

    var catalog: TaskCatalog { enqueuer.catalog }
    var queues: QueueNames { QueueNames(known: catalog.queues) }

    /// - Parameter flood: counts what each user sends.
    init(
        enqueuer: TaskEnqueuer,
        runner: (any TaskRunning)?,
        configuration: GatewayConfiguration,
        flood: RateLimiter
    ) {
        self.enqueuer = enqueuer
        self.runner = runner
        self.configuration = configuration
        body = BodyReader(largest: configuration.limits.bodyBytes, longest: configuration.limits.idleTime)
        self.flood = flood
    }

    /// Adds the routes for those who may send anything.
    func add(to routes: some RouterMethods<GatewayContext>) {
        routes.post("/api/tasks", use: byName)
        routes.post("/api/tasks/bulk", use: bulkByName)
        routes.post("/api/v1/admin/jobs/{queue}", use: byType)
        routes.post("/api/v1/admin/jobs/{queue}/bulk", use: bulkByType)
    }

    /// Adds an application's own address.
    func add(_ route: StartRoute, to routes: some RouterMethods<GatewayContext>) {
        routes.post(RouterPath(route.path)) { request, context in try await start(route, request, context) }
    }

    // MARK: By name

    private static let members: Set<String> = [
        "task", "args", "kwargs", "queue", "countdown", "eta", "expires", "priority", "id", "unique", "tenant",
        "attempts", "backoff",
    ]

    @Sendable private func byName(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try checkFlood(context)
        let members = try MemberReader(try await body.object(request), known: Self.members)
        var wanted = try common(members)
        wanted.args = try members.array("args")
        wanted.kwargs = try members.object("kwargs")
        try identify(
            &wanted,
            id: try members.text("id"),
            unique: try members.flag("unique"),
            tenant: try tenant(members),
            members
        )
        return answer(try await send(wanted, context), wanted)
    }

    /// What a task has in common with those that are sent with it: its name, queue, times and priority.
    func common(_ members: MemberReader) throws -> TaskRequest {
        guard let wanted = try self.wanted(try members.required("task"), members) else {
            throw GatewayError.invalid("task", "There is no task of that name.")
        }
        return wanted
    }

    /// A task with its queue, times and priority; `nil` where there is none of that name.
    func wanted(_ task: String, _ members: MemberReader) throws -> TaskRequest? {
        guard let usual = catalog.queue(ofTask: task) else { return nil }
        let queue = try members.text("queue") ?? usual
        guard catalog.queues.contains(queue) || catalog.allowsOthers else {
            throw GatewayError.invalid("queue", "There is no queue of that name.")
        }
        var wanted = TaskRequest(task: task, queue: queue)
        wanted.priority = try members.integer("priority", in: 0...9) ?? 0
        wanted.eta = try eta(members)
        wanted.expires = try expires(members)
        wanted.retry = try retry(members)
        return wanted
    }

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

    /// How the task is tried again, where the request says so.
    private func retry(_ members: MemberReader) throws -> RequestedRetry? {
        let (attempts, backoff) = (members["attempts"], members["backoff"])
        guard attempts != nil || backoff != nil else { return nil }
        do throws(RequestedRetry.Refusal) {
            return try RequestedRetry(attempts: attempts ?? .null, backoff: backoff ?? .null)
        } catch {
            throw members.invalid(error.member, error.message)
        }
    }

    /// Whoever names the id, or asks for one that follows from the work, gets each task once.
    func identify(
        _ wanted: inout TaskRequest,
        id: String?,
        unique: Bool,
        tenant: String?,
        _ members: MemberReader
    ) throws {
        wanted.tenant = tenant
        if let id {
            guard NameParameter.isFit(id) else {
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

    /// Whose work it is.
    func tenant(_ members: MemberReader) throws -> String? {
        let tenant = try members.text("tenant", longest: 64)
        if let tenant, !tenant.unicodeScalars.allSatisfy({ $0.isASCII && $0.value > 0x20 && $0 != ":" }) {
            throw members.invalid("tenant", "Expected letters, digits and signs without spaces and colons.")
        }
        return tenant
    }

    private func answer(_ sending: Sending, _ wanted: TaskRequest) -> Response {
        let exists: Bool
        switch sending {
        case .ran(let outcome): return answer(outcome)
        case .queued(let outcome): exists = outcome == .exists
        }
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
        let queue = try queues.read(context)
        let members = try MemberReader(
            try await body.object(request),
            known: ["type", "data", "options", "unique", "tenant"]
        )
        let wanted = try job(members, type: try members.required("type"), queue, prefix: "")
        return answer(try await send(wanted, context), wanted)
    }

    /// A task as clients of BullMQ describe it.
    ///
    /// - Parameter prefix: what stands before the members' names in complaints.
    func job(_ members: MemberReader, type: String, _ queue: String, prefix: String) throws -> TaskRequest {
        let tasks = catalog.tasks(ofType: type, in: queue)
        guard let task = tasks.first else {
            throw GatewayError(.notFound, "not_found", "The queue has no task of that type.", field: prefix + "type")
        }
        guard tasks.count == 1 else {
            throw members.invalid("type", "Several tasks of the queue have that type: name one in full.")
        }
        let options = try MemberReader(
            try members.object("options"),
            known: ["priority", "delay", "jobId", "attempts", "backoff"],
            prefix: prefix + "options."
        )
        var wanted = TaskRequest(task: task, queue: queue)
        wanted.kwargs = try members.object("data")
        wanted.priority = try options.integer("priority", in: 0...9) ?? 0
        wanted.eta = try options.delay("delay", unit: 0.001).map { enqueuer.present + $0 }
        wanted.retry = try retry(options)
        try identify(
            &wanted,
            id: try options.text("jobId"),
            unique: try members.flag("unique"),
            tenant: try tenant(members),
            members
        )
        return wanted
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
        if case .ran(let outcome) = try await send(wanted, context) { return answer(outcome) }
        return .json(["task_id": .string(wanted.id)])
    }

    // MARK: Sending

    func checkFlood(_ context: GatewayContext, _ count: Int = 1) throws {
        let perMinute = configuration.limits.tasksPerMinute
        let who = context.user?.name ?? context.remoteAddress
        guard let seconds = flood.take(who, count, perMinute: perMinute) else { return }
        throw GatewayError(
            .tooManyRequests,
            "too_many_tasks",
            "More than \(perMinute) tasks a minute.",
            retryAfter: seconds
        )
    }

    /// Sends a task within the bounds there are, or runs it here where that is allowed and no queue can be reached.
    func send(_ wanted: TaskRequest, _ context: GatewayContext) async throws -> Sending {
        let mayRunHere = mayRunHere(wanted)
        var wanted = wanted
        if mayRunHere { wanted.patience = Self.patience }
        let outcome: SendOutcome
        do {
            outcome = try await enqueuer.send(wanted)
        } catch let error as InspectionError where mayRunHere && error.code == .notSent {
            return .ran(try await runHere(wanted, context))
        }
        if case .full(let depth) = outcome {
            throw GatewayError(
                .tooManyRequests,
                "queue_full",
                "\(depth) tasks wait in the queue already.",
                retryAfter: 5
            )
        }
        if case .tenantLimit(let limit, let plan, let seconds) = outcome {
            throw GatewayError(
                .tooManyRequests,
                "tenant_limit",
                "The tenant's plan \(plan) allows \(limit) tasks a minute.",
                retryAfter: Int(seconds.components.seconds)
            )
        }
        let who = context.user?.name ?? context.remoteAddress
        let what = outcome == .sent ? "sent to \(wanted.queue)" : "not sent again"
        context.logger.info("Task \(wanted.task)[\(wanted.id)] \(what) for \(who)")
        return .queued(outcome)
    }
}
