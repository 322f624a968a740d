import CeleryMessage
import Hummingbird
import Inspection

/// Who changed what.
struct AuditRoutes: Sendable {
    let trail: any AuditTrail

    func add(to routes: RouterGroup<GatewayContext>) { routes.get("/api/v1/admin/audit", use: list) }

    @Sendable private func list(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let query = try QueryReader(request, known: ["start", "end"])
        let start = try query.integer("start", in: 0...Int(Int32.max)) ?? 0
        let end = try query.integer("end", in: 0...Int(Int32.max)) ?? start + 99
        let page = try await trail.entries(JobRoutes.range(start, end))
        return .success(.array(page.entries.map { .object($0.json) }), ["total": .int(Int64(page.total))])
    }
}
