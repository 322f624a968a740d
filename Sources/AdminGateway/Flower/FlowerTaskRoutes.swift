import CeleryMessage
import Hummingbird
import Inspection

/// The tasks that scripts read from Flower: here those that have ended, from the history, which outlives every process.
struct FlowerTaskRoutes: Sendable {
    /// `nil` where none is kept: there are no tasks then.
    let history: (any HistoryReading)?

    /// The most tasks of one answer.
    private static let most = 1000

    func add(to routes: RouterGroup<GatewayContext>) {
        routes.get("/api/tasks", use: tasks)
        routes.get("/api/task/types", use: types)
        routes.get("/api/task/info/{task_id}", use: info)
    }

    @Sendable private func tasks(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let reader = try QueryReader(
            request,
            known: [
                "limit", "offset", "sort_by", "workername", "taskname", "state", "received_start", "received_end",
                "search",
            ]
        )
        var query = HistoryQuery()
        query.limit = try reader.integer("limit", in: 0...Self.most) ?? Self.most
        query.offset = try reader.integer("offset", in: 0...10_000_000) ?? 0
        query.worker = Self.chosen("workername", reader)
        query.task = Self.chosen("taskname", reader)
        query.text = reader.text("search")
        if let state = Self.chosen("state", reader) { query.states = [TaskState(rawValue: state)] }
        query.finishedAfter = try Self.minute("received_start", reader)
        query.finishedBefore = try Self.minute("received_end", reader)
        if let text = reader.text("sort_by") { (query.order, query.isNewestFirst) = try Self.order(text) }
        let found = try await history?.finished(query).tasks ?? []
        var answer = JSONObject()
        for task in found { answer[task.id] = .object(task.flowerJSON) }
        return .json(.object(answer))
    }

    /// What one is to have; Flower's pages say `All` where that does not matter.
    private static func chosen(_ name: String, _ reader: QueryReader) -> String? {
        reader.text(name).flatMap { $0 == "All" ? nil : $0 }
    }

    /// `received`, or `-received` for the latest first.
    private static func order(_ text: String) throws -> (HistoryOrder, isNewestFirst: Bool) {
        let isDescending = text.hasPrefix("-")
        guard let order = HistoryOrder(rawValue: String(text.dropFirst(isDescending ? 1 : 0))), order != .finished
        else {
            throw GatewayError.invalid(
                "sort_by",
                "Expected name, state, received, started or runtime, - before it or not."
            )
        }
        return (order, isDescending)
    }

    /// `2026-01-31 08:00`, in UTC.
    private static func minute(_ name: String, _ reader: QueryReader) throws -> Instant? {
        guard let text = reader.text(name) else { return nil }
        let parts = text.replacing("+", with: " ").split(separator: " ")
        guard parts.count == 2, let moment = ISO8601.date("\(parts[0])T\(parts[1]):00+00:00") else {
            throw GatewayError.invalid(name, "Expected a minute such as 2026-01-31 08:00.")
        }
        return moment
    }

    @Sendable private func types(_ request: Request, _ context: GatewayContext) async throws -> Response {
        _ = try QueryReader(request, known: [])
        let names = Set(try await history?.durations().map(\.task) ?? [])
        return .json(["task-types": .array(names.sorted().map(JSONValue.string))])
    }

    @Sendable private func info(_ request: Request, _ context: GatewayContext) async throws -> Response {
        _ = try QueryReader(request, known: [])
        let id = try NameParameter.taskID.read(context)
        guard let task = try await history?.finished(taskID: id) else {
            throw GatewayError.notFound("No task of that id is in the history.")
        }
        return .json(.object(task.flowerJSON))
    }
}

extension FinishedTask {
    /// Under Flower's names, moments in seconds.
    var flowerJSON: JSONObject {
        var json: JSONObject = [
            "uuid": .string(id), "name": .string(name), "state": .string(state.rawValue), "args": .string(arguments),
            "kwargs": .string(keywords), "worker": .string(worker), "retries": .int(Int64(attempts - 1)),
            "routing_key": .string(queue), "timestamp": .double(finishedAt.seconds),
        ]
        json.set("received", receivedAt?.seconds)
        json.set("started", startedAt?.seconds)
        switch state {
        case .success, .ignored: json["succeeded"] = .double(finishedAt.seconds)
        case .revoked: json["revoked"] = .double(finishedAt.seconds)
        case .rejected: json["rejected"] = .double(finishedAt.seconds)
        default: json["failed"] = .double(finishedAt.seconds)
        }
        json.set("runtime", runtime.map { $0 / .seconds(1) })
        json.set("result", result)
        json.set("exception", failure.map { "\($0.type)(\(JSONValue.string($0.message).pythonRepr))" })
        json.set("traceback", failure?.traceback)
        json.set("parent_id", parentID)
        json.set("root_id", rootID ?? id)
        json.set("group_id", groupID)
        return json
    }
}
