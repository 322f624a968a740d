import CeleryMessage
import Hummingbird
import Inspection

/// The plans of tenants: who has which and uses how much of it.
struct TenantRoutes: Sendable {
    let tenants: (any TenantAdministration)?
    let auditor: Auditor
    let body: BodyReader

    func add(viewer: RouterGroup<GatewayContext>, admin: RouterGroup<GatewayContext>) {
        let path: RouterPath = "/api/v1/admin/tenants"
        viewer.group(path).get(use: list).get("{tenant}", use: detail)
        admin.group(path).put("{tenant}", use: assign).delete("{tenant}", use: unassign)
    }

    private func administration() throws -> any TenantAdministration {
        guard let tenants else { throw GatewayError.notFound("This deployment has no plans of tenants.") }
        return tenants
    }

    // MARK: Looking

    @Sendable private func list(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let query = try QueryReader(request, known: ["start", "end"])
        let start = try query.integer("start", in: 0...Int(Int32.max)) ?? 0
        let end = try query.integer("end", in: 0...Int(Int32.max)) ?? start + 99
        let administration = try administration()
        let page = try await administration.tenants(JobRoutes.range(start, end))
        return .success(
            .array(page.tenants.map { .object($0.json) }),
            [
                "total": .int(Int64(page.total)),
                "plans": .object(JSONObject(administration.plans.map { ($0.name, .object($0.json)) })),
            ]
        )
    }

    @Sendable private func detail(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let name = try NameParameter.tenant.read(context)
        _ = try QueryReader(request, known: [])
        return .success(.object(try await administration().tenant(name).json))
    }

    // MARK: Changing

    @Sendable private func assign(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let name = try NameParameter.tenant.read(context)
        let administration = try administration()
        let members = try MemberReader(try await body.object(request), known: ["plan"])
        let plan = try members.required("plan")
        guard administration.plans.contains(where: { $0.name == plan }) else {
            throw GatewayError(.notFound, "not_found", "There is no plan of that name.", field: "plan")
        }
        _ = try await auditor.change(
            "tenant.plan",
            name,
            context,
            outcome: { .init(name: "assigned", detail: ["plan": .string(plan), "before": .string($0)]) }
        ) {
            try await administration.assign(plan, to: name)
        }
        return .success(.object(try await administration.tenant(name).json))
    }

    @Sendable private func unassign(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let name = try NameParameter.tenant.read(context)
        let administration = try administration()
        try await auditor.change("tenant.plan", name, context, outcome: { .init(name: "taken_back") }) {
            guard try await administration.unassign(name) else {
                throw GatewayError.notFound("The tenant was given no plan.")
            }
        }
        return .success(.object(try await administration.tenant(name).json))
    }
}

extension TenantPlanFacts {
    /// The plan's bounds; a bound that it has not is left out.
    fileprivate var json: JSONObject {
        var json = JSONObject()
        json.set("concurrency", concurrency)
        json.set("perMinute", perMinute)
        return json
    }
}

extension TenantUsage {
    /// The tenant as the routes show it.
    fileprivate var json: JSONObject {
        var json: JSONObject = ["tenant": .string(tenant), "plan": .string(plan.name), "assigned": .bool(isAssigned)]
        for (name, value) in plan.json { json[name] = value }
        json["running"] = .int(Int64(running))
        json["waiting"] = .int(Int64(waiting))
        json.set("startedLastMinute", startedLastMinute)
        json.set("sentLastMinute", sentLastMinute)
        return json
    }
}
