import CeleryMessage
import Hummingbird
import Inspection

/// What scripts read from Flower, under the same addresses and names.
struct FlowerRoutes: Sendable {
    let administration: Administration

    func add(to routes: RouterGroup<GatewayContext>) {
        routes.get("/api/workers", use: workers)
        routes.get("/api/queues/length", use: lengths)
    }

    @Sendable private func workers(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let query = try QueryReader(request, known: ["refresh", "workername", "status"])
        let isStatus = try query.flag("status")
        _ = try query.flag("refresh")
        let all = try await administration.workers.workers()
        var answer = JSONObject()
        for worker in all where query.text("workername").map({ $0 == worker.name }) ?? true {
            guard !isStatus else {
                answer[worker.name] = true
                continue
            }
            if let detail = try await administration.workers.worker(worker.name) {
                answer[worker.name] = .object(detail.flowerJSON)
            }
        }
        return .json(.object(answer))
    }

    @Sendable private func lengths(_ request: Request, _ context: GatewayContext) async throws -> Response {
        _ = try QueryReader(request, known: [])
        let queues = try await administration.queues.queues().map { queue -> JSONValue in
            ["name": .string(queue.name), "messages": .int(Int64(queue.waiting))]
        }
        return .json(["active_queues": .array(queues)])
    }
}
