import CeleryMessage
import Hummingbird
import Inspection

/// The queues: counts, pause, resume, clean, drain.
struct QueueRoutes: Sendable {
    let queues: any QueueAdministration
    let names: QueueNames
    let changes: AuditedChanges
    let body: BodyReader

    func add(viewer: RouterGroup<GatewayContext>, admin: RouterGroup<GatewayContext>) {
        let jobs: RouterPath = "/api/v1/admin/jobs"
        viewer.group(jobs)
            .get("stats", use: allStats)
            .get("{queue}/stats", use: stats)
        admin.get("/admin/queues/stats", use: plainStats)
        admin.group(jobs)
            .post("{queue}/pause", use: pause)
            .post("{queue}/resume", use: resume)
            .post("{queue}/clean", use: clean)
            .post("{queue}/drain", use: drain)
    }

    // MARK: Counts

    @Sendable private func allStats(_ request: Request, _ context: GatewayContext) async throws -> Response {
        _ = try QueryReader(request, known: [])
        return .success(.array(try await queues.queues().map(\.json)))
    }

    @Sendable private func stats(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let queue = try names.read(context)
        _ = try QueryReader(request, known: [])
        guard let counts = try await queues.counts(of: [queue]).first else {
            throw GatewayError.notFound("There is no queue of that name.")
        }
        return .success(counts.json)
    }

    /// The seven members of an application's own route, for admins only.
    @Sendable private func plainStats(_ request: Request, _ context: GatewayContext) async throws -> Response {
        _ = try QueryReader(request, known: [])
        return .success(.array(try await queues.queues().map(\.plainJSON)))
    }

    // MARK: Changes

    @Sendable private func pause(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try await setPause(request, context, paused: true)
    }

    @Sendable private func resume(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try await setPause(request, context, paused: false)
    }

    private func setPause(_ request: Request, _ context: GatewayContext, paused: Bool) async throws -> Response {
        let queue = try names.read(context)
        _ = try MemberReader(try await body.optionalObject(request), known: [])
        let changed = try await paused ? changes.pause(queue, context) : changes.resume(queue, context)
        return .success(["queue": .string(queue), "paused": .bool(paused), "changed": .bool(changed)])
    }

    @Sendable private func clean(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let queue = try names.read(context)
        let members = try MemberReader(try await body.optionalObject(request), known: ["grace", "state"])
        let grace = try members.delay("grace", unit: 0.001) ?? .zero
        let states: Set<JobState>
        switch try members.text("state") {
        case "completed"?, nil: states = [.completed]
        case "failed"?: states = [.failed]
        case "all"?: states = [.completed, .failed]
        default: throw members.invalid("state", "Expected completed, failed or all.")
        }
        let count = try await changes.clean(queue, grace: grace, states: states, context)
        return .success(["queue": .string(queue), "count": .int(Int64(count))])
    }

    @Sendable private func drain(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let queue = try names.read(context)
        let members = try MemberReader(try await body.optionalObject(request), known: ["delayed"])
        let delayed = members["delayed"] == nil ? true : try members.flag("delayed")
        let count = try await changes.drain(queue, delayed: delayed, context)
        return .success(["queue": .string(queue), "count": .int(Int64(count))])
    }
}
