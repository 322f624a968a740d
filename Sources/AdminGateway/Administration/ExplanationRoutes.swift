import CeleryMessage
import Hummingbird
import Inspection

/// Why a task does not run.
struct ExplanationRoutes: Sendable {
    let explaining: any Explaining

    func add(to routes: RouterGroup<GatewayContext>) { routes.get("/api/tasks/{task_id}/why", use: why) }

    @Sendable private func why(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let id = try NameParameter.taskID.read(context)
        _ = try QueryReader(request, known: [])
        return .success(.object(try await explaining.explain(id).json))
    }
}
