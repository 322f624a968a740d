package import Inspection
import RedisClient
import RedisTransport

extension RedisInspector: TaskSending {
    package func send(_ message: OutgoingMessage) async throws -> SendOutcome {
        let keys = configuration.transport.keys
        let lists = keys.prioritySteps.map { keys.list(queue: message.queue, step: $0) }
        let target = keys.list(queue: message.queue, step: keys.step(priority: message.priority))
        let member = keys.bindingMember(routingKey: message.queue, queue: message.queue)
        let names =
            [
                keys.binding(exchange: message.queue), keys.permanentBinding(exchange: message.queue),
                keys.unique(taskID: message.taskID), target,
            ] + lists
        let arguments = RedisArguments(
            message.item,
            member,
            message.depthLimit ?? -1,
            message.uniqueFor.map { max(1, Int($0 / .milliseconds(1))) } ?? 0
        )
        let reply = try await translating { () async throws(RedisError) in
            try await broker.run(Scripts.enqueue, keys: names, arguments: arguments, timeout: configuration.timeout)
                .get()
        }
        switch (reply.array?.first?.text, reply.array?.last?.int) {
        case ("sent"?, _): return .sent
        case ("exists"?, _): return .exists
        case ("full"?, let depth?): return .full(depth: depth)
        default: throw InspectionError(.undecodable, "the enqueue script answered something unexpected")
        }
    }
}
