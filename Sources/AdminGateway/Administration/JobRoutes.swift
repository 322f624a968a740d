import CeleryMessage
import Hummingbird
import Inspection

/// The jobs of a queue: lists, one, retry, remove, promote; the last three for many at once too.
struct JobRoutes: Sendable {
    let queues: any QueueAdministration
    let names: QueueNames
    let changes: AuditedChanges
    let body: BodyReader

    /// The most jobs of one request that changes them.
    private static let mostAtOnce = 1000

    func add(viewer: RouterGroup<GatewayContext>, operator: RouterGroup<GatewayContext>) {
        let jobs: RouterPath = "/api/v1/admin/jobs"
        viewer.group(jobs)
            .get("{queue}/jobs", use: list)
            .get("{queue}/{task_id}", use: detail)
        `operator`.group(jobs)
            .delete("{queue}/{task_id}") { try await one(.remove, $0, $1) }
            .post("{queue}/{task_id}/retry") { try await one(.retry, $0, $1) }
            .post("{queue}/{task_id}/promote") { try await one(.promote, $0, $1) }
            .post("{queue}/retry") { try await many(.retry, $0, $1) }
            .post("{queue}/remove") { try await many(.remove, $0, $1) }
            .post("{queue}/promote") { try await many(.promote, $0, $1) }
    }

    // MARK: Looking

    @Sendable private func list(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let queue = try names.read(context)
        let query = try QueryReader(request, known: ["state", "start", "end"])
        let start = try query.integer("start", in: 0...Int(Int32.max)) ?? 0
        let end = try query.integer("end", in: 0...Int(Int32.max)) ?? start + 10
        guard let state = JobState(rawValue: query.text("state") ?? "waiting") else {
            let states = JobState.allCases.map(\.rawValue).joined(separator: ", ")
            throw GatewayError.invalid("state", "Expected one of \(states).")
        }
        // As clients of BullMQ count: the job at `end` is the last one.
        let page = try await queues.jobs(in: queue, state: state, range: Self.range(start, end))
        return .success(
            .array(page.jobs.map { .object($0.json) }),
            ["total": page.total.map { .int(Int64($0)) } ?? .null]
        )
    }

    /// From the first to the last one, both included; nothing where the last one is before the first.
    static func range(_ start: Int, _ end: Int) -> Range<Int> {
        start..<max(start, min(end + 1, start + QueueAdministrationLimits.range))
    }

    @Sendable private func detail(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let queue = try names.read(context)
        let id = try NameParameter.taskID.read(context)
        _ = try QueryReader(request, known: [])
        guard let job = try await queues.job(id, in: queue) else {
            throw GatewayError.notFound("The queue has no job of that id.")
        }
        return .success(.object(job.json))
    }

    // MARK: Changing

    private func one(_ change: JobChange, _ request: Request, _ context: GatewayContext) async throws -> Response {
        let queue = try names.read(context)
        let id = try NameParameter.taskID.read(context)
        _ = try MemberReader(try await body.optionalObject(request), known: [])
        let outcome = try await changes.make(change, id, in: queue, context)
        switch outcome {
        case .notFound: throw GatewayError.notFound("The queue has no job of that id.")
        case .notFailed: throw GatewayError(.conflict, outcome.rawValue, "The job has not failed.")
        case .notDelayed: throw GatewayError(.conflict, outcome.rawValue, "The job is not delayed.")
        case .gone: throw GatewayError(.conflict, outcome.rawValue, "The job's message is not kept any more.")
        case .retried, .removed, .cancelled, .forgotten, .promoted:
            return .success(["id": .string(id), "queue": .string(queue), "outcome": .string(outcome.rawValue)])
        }
    }

    private func many(_ change: JobChange, _ request: Request, _ context: GatewayContext) async throws -> Response {
        let queue = try names.read(context)
        let members = try MemberReader(try await body.object(request), known: ["ids"])
        var outcomes: [JSONValue] = []
        for id in try members.names("ids", 1...Self.mostAtOnce, of: "ids of tasks") {
            let outcome = try await changes.make(change, id, in: queue, context)
            outcomes.append(["id": .string(id), "outcome": .string(outcome.rawValue)])
        }
        return .success(.array(outcomes))
    }
}
