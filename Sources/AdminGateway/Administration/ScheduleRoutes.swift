import CeleryMessage
import HTTPTypes
import Hummingbird
import Inspection

/// What beat sends: entries with their times, run now, pause, resume.
struct ScheduleRoutes: Sendable {
    let schedule: any ScheduleAdministration
    let changes: AuditedChanges

    func add(
        viewer: RouterGroup<GatewayContext>,
        operator: RouterGroup<GatewayContext>,
        admin: RouterGroup<GatewayContext>
    ) {
        let path: RouterPath = "/api/v1/admin/schedule"
        viewer.get(path, use: list)
        `operator`.group(path).post("{entry}/run", use: run)
        admin.group(path)
            .post("{entry}/pause") { try await mark($0, $1, paused: true) }
            .post("{entry}/resume") { try await mark($0, $1, paused: false) }
    }

    @Sendable private func list(_ request: Request, _ context: GatewayContext) async throws -> Response {
        _ = try QueryReader(request, known: [])
        return .success(.object(try await schedule.schedule().json))
    }

    @Sendable private func run(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let entry = try Self.entry(context)
        guard let id = try await changes.run(entry: entry, context) else { throw Self.unknown }
        return .success(["entry": .string(entry), "task_id": .string(id)], status: .accepted)
    }

    private func mark(_ request: Request, _ context: GatewayContext, paused: Bool) async throws -> Response {
        let entry = try Self.entry(context)
        let outcome = try await paused ? changes.pause(entry: entry, context) : changes.resume(entry: entry, context)
        guard let changed = outcome else { throw Self.unknown }
        return .success(["entry": .string(entry), "paused": .bool(paused), "changed": .bool(changed)])
    }

    private static var unknown: GatewayError { .notFound("The schedule has no entry of that name.") }

    private static func entry(_ context: GatewayContext) throws -> String {
        guard let name = context.part("entry"), !name.isEmpty,
            name.unicodeScalars.count <= 255, name.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7F })
        else { throw GatewayError.invalid("entry", "Expected an entry's name: 1 to 255 characters.") }
        return name
    }
}
