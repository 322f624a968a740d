import CeleryMessage
import Hummingbird
import Inspection

/// What scripts read and say of one task through Flower: its result, and that it is to give up.
struct FlowerResultRoutes: Sendable {
    let inspector: TaskInspector
    let waiting: ResultWait
    let queues: any QueueAdministration
    let auditor: Auditor
    let body: BodyReader
    /// The longest that anybody may wait; Flower waits for as long as it is told to.
    let longest: Duration

    func add(viewer: RouterGroup<GatewayContext>, operator: RouterGroup<GatewayContext>) {
        viewer.get("/api/task/result/{task_id}", use: result)
        `operator`.post("/api/task/abort/{task_id}", use: abort)
    }

    @Sendable private func result(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let id = try NameParameter.taskID.read(context)
        let seconds = try await FlowerArguments(request, body).seconds("timeout") ?? 0
        var record = try await inspector.record(of: id)
        if seconds > 0, !Self.hasEnded(record) {
            let place = try waiting.enter()
            defer { place.leave() }
            record = try await end(of: id, within: .seconds(seconds))
        }
        return .json(.object(Self.json(id, record)))
    }

    /// The record of a task that has ended, or what is stored when the time is over.
    func end(of id: String, within limit: Duration) async throws -> ResultRecord? {
        try await waiting.value(id, within: min(limit, longest), until: Self.hasEnded) {
            try await inspector.record(of: id)
        }
    }

    /// Celery's `AbortableAsyncResult.abort`: the task's code has to look for the state, and end.
    @Sendable private func abort(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let id = try NameParameter.taskID.read(context)
        let isTold = try await auditor.change(
            "task.abort",
            id,
            context,
            outcome: { .init(name: $0 ? "told" : "ended") }
        ) { try await queues.abort(id) }
        return .json(["message": .string(isTold ? "Aborted '\(id)'" : "'\(id)' has ended already")])
    }

    // MARK: Answering

    private static func hasEnded(_ record: ResultRecord?) -> Bool { record?.status.isReady ?? false }

    /// A task under Flower's names: `task-id` and `state`, and once it has ended `result`; `traceback` where it failed.
    static func json(_ id: String, _ record: ResultRecord?) -> JSONObject {
        let state = record?.status ?? .pending
        var json: JSONObject = ["task-id": .string(id), "state": .string(state.rawValue)]
        guard let record, state.isReady else { return json }
        // What a task stored may be anything, for example deeper than values may be.
        let value = (try? record.value()) ?? .null
        json["result"] = record.exception.map { .string($0.pythonRepr) } ?? value
        if state == .failure { json["traceback"] = record.traceback.map(JSONValue.string) ?? .null }
        return json
    }
}
