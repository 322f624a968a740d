import CeleryMessage
import Hummingbird
import Inspection
import Logging

/// Sending many tasks of one queue with one request, all of them or none.
extension EnqueueRoutes {
    private static let longestStagger = 3_600_000

    /// The most tasks of a request: more than a user may send in a minute never could be sent.
    private var mostItems: Int { min(configuration.limits.bulkItems, configuration.limits.tasksPerMinute) }

    // MARK: By name

    private static let members: Set<String> = [
        "task", "queue", "countdown", "eta", "expires", "priority", "unique", "tenant", "attempts", "backoff",
        "stagger",
        "items",
    ]

    @Sendable func bulkByName(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try checkFlood(context)
        let members = try MemberReader(try await body.object(request), known: Self.members)
        let common = try self.common(members)
        let unique = try members.flag("unique")
        let tenant = try tenant(members)
        let items = try items("items", of: members)
        let wanted = try items.enumerated().map { place, item in
            let prefix = "items[\(place)]."
            let members = try MemberReader(item, known: ["args", "kwargs", "id"], prefix: prefix)
            var wanted = common
            wanted.id = Identifier.uuid()
            wanted.args = try members.array("args")
            wanted.kwargs = try members.object("kwargs")
            try identify(&wanted, id: try members.text("id"), unique: unique, tenant: tenant, members)
            return wanted
        }
        return try await sendAll(staggered(wanted, members), "task_ids", context)
    }

    // MARK: By queue and type

    @Sendable func bulkByType(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try checkFlood(context)
        let queue = try queues.read(context)
        let members = try MemberReader(try await body.object(request), known: ["type", "stagger", "jobs"])
        let usual = try members.text("type")
        let jobs = try items("jobs", of: members)
        let wanted = try jobs.enumerated().map { place, job in
            let prefix = "jobs[\(place)]."
            let members = try MemberReader(
                job,
                known: ["type", "data", "options", "unique", "tenant"],
                prefix: prefix
            )
            let type = try members.text("type") ?? usual
            guard let type else { throw members.invalid("type", "It is missing.") }
            return try self.job(members, type: type, queue, prefix: prefix)
        }
        return try await sendAll(staggered(wanted, members), "jobIds", context)
    }

    // MARK: Sending

    private func items(_ name: String, of members: MemberReader) throws -> [JSONObject] {
        let values = try members.array(name)
        guard (1...mostItems).contains(values.count) else {
            throw members.invalid(name, "Expected a list of 1 to \(mostItems) objects.")
        }
        return try values.enumerated().map { place, value in
            guard let object = value.object else {
                throw GatewayError.invalid("\(name)[\(place)]", "Expected an object.")
            }
            return object
        }
    }

    /// The tasks, each so much later than the one before it.
    private func staggered(_ tasks: [TaskRequest], _ members: MemberReader) throws -> [TaskRequest] {
        guard let stagger = try members.integer("stagger", in: 0...Self.longestStagger), stagger > 0 else {
            return tasks
        }
        let present = enqueuer.present
        return tasks.enumerated().map { place, task in
            var task = task
            if place > 0 { task.eta = (task.eta ?? present) + .milliseconds(stagger) * place }
            return task
        }
    }

    private func sendAll(_ tasks: [TaskRequest], _ idsName: String, _ context: GatewayContext) async throws -> Response
    {
        // The first one was counted before the body was read.
        if tasks.count > 1 { try checkFlood(context, tasks.count - 1) }
        switch try await enqueuer.send(tasks) {
        case .full(let depth):
            throw GatewayError(
                .tooManyRequests,
                "queue_full",
                "\(depth) tasks wait in the queue already; none was sent.",
                retryAfter: 5
            )
        case .sent(let existing):
            let count = tasks.count - existing.count
            let queue = tasks.first?.queue ?? ""
            let who = context.user?.name ?? context.remoteAddress
            context.logger.info("\(count) of \(tasks.count) tasks sent to \(queue) for \(who)")
            let ids = tasks.map { JSONValue.string($0.id) }
            return .json(
                [
                    "success": true, "count": .int(Int64(count)), "queue": .string(queue), idsName: .array(ids),
                    "exists": .array(existing.sorted().map { ids[$0] }),
                ],
                status: count > 0 ? .accepted : .ok
            )
        }
    }
}
