package import Inspection
import RedisClient
import RedisTransport
import Transport

extension RedisInspector: TaskSending {
    package func send(_ message: OutgoingMessage) async throws -> SendOutcome {
        let keys = configuration.transport.keys
        let lists = keys.prioritySteps.map { keys.list(queue: message.queue, step: $0) }
        let target = keys.list(queue: message.queue, step: keys.step(priority: message.priority))
        let member = keys.bindingMember(routingKey: message.queue, queue: message.queue)
        let names =
            [
                keys.binding(exchange: message.queue), keys.permanentBinding(exchange: message.queue),
                keys.unique(taskID: message.taskID), target, keys.tenants,
                keys.tenantSent(RedisTenants.name(message.tenant ?? "")),
            ] + lists
        var arguments = RedisArguments(
            message.item,
            member,
            message.depthLimit ?? -1,
            message.uniqueFor.map { max(1, Int($0 / .milliseconds(1))) } ?? 0
        )
        if let tenant = message.tenant, let plans = configuration.tenants {
            arguments.append(RedisTenants.name(tenant))
            arguments.append(message.taskID)
            arguments.append(plans.name(of: tenant))
            arguments.append(RedisTenants.json(plans))
            arguments.append(plans.defaultPlan)
        } else {
            arguments.append("")
        }
        // Who has something else to do with a task need not wait for a server that is away.
        let timeout = connection.isUp ? configuration.timeout : message.patience ?? configuration.timeout
        let reply = try await sending { () async throws(RedisError) in
            try await broker.run(Scripts.enqueue, keys: names, arguments: arguments, timeout: timeout).get()
        }
        switch (reply.array?.first?.text, reply.array?.last?.int) {
        case ("sent"?, _): return .sent
        case ("exists"?, _): return .exists
        case ("full"?, let depth?): return .full(depth: depth)
        case ("tenant"?, let seconds?):
            let parts = reply.array ?? []
            guard parts.count == 4, let limit = parts[1].int, let plan = parts[2].text else { fallthrough }
            return .tenantLimit(limit, plan: plan, retryAfter: .seconds(seconds))
        default: throw InspectionError(.undecodable, "the enqueue script answered something unexpected")
        }
    }

    package func send(_ messages: [OutgoingMessage]) async throws -> BulkSendOutcome {
        guard let queue = messages.first?.queue else { return .sent(existing: []) }
        precondition(messages.allSatisfy { $0.queue == queue }, "messages that are sent together go to one queue")
        let keys = configuration.transport.keys
        let lists = keys.prioritySteps.map { keys.list(queue: queue, step: $0) }
        let names =
            [keys.binding(exchange: queue), keys.permanentBinding(exchange: queue)] + lists
            + messages.map { keys.unique(taskID: $0.taskID) }
        var arguments = RedisArguments(
            keys.bindingMember(routingKey: queue, queue: queue),
            messages.first?.depthLimit ?? -1,
            lists.count
        )
        arguments.reserveCapacity(messages.reduce(0) { $0 + $1.item.count + 48 })
        for message in messages {
            let target = keys.list(queue: queue, step: keys.step(priority: message.priority))
            arguments.append(message.item)
            arguments.append((lists.firstIndex(of: target) ?? 0) + 1)
            arguments.append(message.uniqueFor.map { max(1, Int($0 / .milliseconds(1))) } ?? 0)
        }
        let reply = try await sending { () async throws(RedisError) in
            try await broker.run(
                Scripts.enqueueBulk,
                keys: names,
                arguments: arguments,
                timeout: configuration.timeout
            ).get()
        }
        let parts = reply.array ?? []
        switch (parts.first?.text, parts.last?.int) {
        case ("sent"?, _): return .sent(existing: Set(parts.dropFirst().compactMap(\.int).map { Int($0) - 1 }))
        case ("full"?, let depth?): return .full(depth: Int(depth))
        default: throw InspectionError(.undecodable, "the enqueue_bulk script answered something unexpected")
        }
    }

    /// Tells a message that was certainly not sent from one of which nobody knows.
    private func sending<Value>(_ body: () async throws(RedisError) -> Value) async throws -> Value {
        do {
            return try await body()
        } catch {
            // A server that loads its data, or follows another one, refuses the script before it does anything.
            let isUnsent = error.isUnsent || [.loading, .masterDown, .readOnly].contains(error.code)
            throw isUnsent && error.isTransient ? InspectionError(.notSent, error.message) : InspectionError(error)
        }
    }
}
