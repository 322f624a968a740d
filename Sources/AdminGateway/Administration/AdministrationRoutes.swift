import HTTPTypes
import Hummingbird
import Inspection

/// Everything through which a deployment is administered over HTTP.
struct AdministrationRoutes: Sendable {
    let administration: Administration
    let history: (any HistoryReading)?
    let configuration: GatewayConfiguration

    /// Adds all routes; `guarded` gives a group that lets users of a role on.
    func add(guarded: (GatewayUser.Role) -> RouterGroup<GatewayContext>) {
        let (viewer, `operator`, admin) = (guarded(.viewer), guarded(.operator), guarded(.admin))
        let auditor = Auditor(trail: administration.audit)
        let changes = AuditedChanges(administration: administration)
        let body = BodyReader(largest: configuration.limits.bodyBytes, longest: configuration.limits.idleTime)
        let names = QueueNames(known: Set(administration.queues.queueNames))
        QueueRoutes(queues: administration.queues, names: names, changes: changes, body: body)
            .add(viewer: viewer, admin: admin)
        JobRoutes(queues: administration.queues, names: names, changes: changes, body: body)
            .add(viewer: viewer, operator: `operator`)
        let orders = WorkerOrders(workers: administration.workers, auditor: auditor)
        WorkerRoutes(administration: administration, orders: orders, body: body)
            .add(viewer: viewer, operator: `operator`, admin: admin)
        ScheduleRoutes(schedule: administration.schedule, changes: changes)
            .add(viewer: viewer, operator: `operator`, admin: admin)
        DeadLetterRoutes(letters: administration.deadLetters, changes: changes, body: body)
            .add(viewer: viewer, operator: `operator`, admin: admin)
        TenantRoutes(tenants: administration.tenants, auditor: auditor, body: body).add(viewer: viewer, admin: admin)
        AuditRoutes(trail: administration.audit).add(to: viewer)
        ExplanationRoutes(explaining: administration.explaining).add(to: viewer)
        FlowerRoutes(administration: administration).add(to: viewer)
        FlowerTaskRoutes(history: history).add(to: viewer)
        FlowerControlRoutes(orders: orders, body: body).add(operator: `operator`, admin: admin)
    }
}

/// Reads the queue of an address.
struct QueueNames: Sendable {
    let known: Set<String>

    /// The queue; 404 where none of that name is configured.
    func read(_ context: GatewayContext) throws -> String {
        guard let name = context.part("queue"), known.contains(name) else {
            throw GatewayError.notFound("There is no queue of that name.")
        }
        return name
    }
}
