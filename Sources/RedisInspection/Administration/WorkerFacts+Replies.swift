import CeleryMessage
import Inspection

extension WorkerFacts {
    /// What a worker's replies say, by the question's name.
    init(name: String, _ answer: [String: JSONValue]) {
        self.init(name: name)
        let stats = answer["stats"]
        pid = stats?["pid"]?.int.flatMap { Int(exactly: $0) }
        concurrency = stats?["pool"]?["max-concurrency"]?.int.map(Self.bounded)
        processes = (stats?["pool"]?["processes"]?.array ?? []).compactMap { $0.int.flatMap { Int(exactly: $0) } }
        uptime = stats?["uptime"]?.number
        for (task, count) in stats?["total"]?.object ?? JSONObject() {
            ran[task] = count.int.map(Self.bounded)
        }
        prefetch = stats?["prefetch_count"]?.int.map(Self.bounded)
        // Linux counts kibibytes.
        memory = stats?["rusage"]?["maxrss"]?.number.flatMap { Int(exactly: ($0 * 1024).rounded()) }
        isCeleriac = stats?["pool"]?["implementation"]?.string?.hasPrefix("celeriac.") ?? false
        queues = (answer["active_queues"]?.array ?? []).compactMap { $0["name"]?.string }
        active = answer["active"]?.array?.count ?? 0
        reserved = answer["reserved"]?.array?.count ?? 0
    }

    /// A number that can be added to many others: anybody may answer to remote control.
    private static func bounded(_ number: Int64) -> Int { Int(min(max(0, number), 1 << 48)) }
}

extension WorkerDetail {
    init(name: String, _ answer: [String: JSONValue]) {
        self.init(WorkerFacts(name: name, answer))
        active = WorkerTask.tasks(answer["active"])
        reserved = WorkerTask.tasks(answer["reserved"])
        scheduled = (answer["scheduled"]?.array ?? []).compactMap { entry in
            guard let request = entry["request"], var task = WorkerTask(request) else { return nil }
            task.until = entry["eta"]?.string.flatMap { ISO8601.date($0) }
            return task
        }
        registered = WorkerTask.names(answer["registered"])
        revoked = (answer["revoked"]?.array ?? []).prefix(1000).compactMap(\.string)
        stats = answer["stats"]?.object ?? JSONObject()
        configuration = answer["conf"]?.object ?? JSONObject()
    }
}

extension WorkerTask {
    /// A task as `active` and `reserved` describe it.
    init?(_ request: JSONValue) {
        guard let id = request["id"]?.string else { return nil }
        self.init(id: id, name: request["type"]?.string ?? request["name"]?.string ?? "")
        queue = request["delivery_info"]?["routing_key"]?.string
        startedAt = request["time_start"]?.number.map(Instant.init(seconds:))
        stalledSince = request["stalled_since"]?.number.map(Instant.init(seconds:))
        pid = request["worker_pid"]?.int.flatMap { Int(exactly: $0) }
    }

    static func tasks(_ reply: JSONValue?) -> [WorkerTask] { (reply?.array ?? []).compactMap(WorkerTask.init) }

    /// The names of tasks in a reply that may show attributes behind them.
    static func names(_ reply: JSONValue?) -> [String] {
        (reply?.array ?? []).compactMap { $0.string.flatMap { $0.split(separator: " ").first.map(String.init) } }
    }
}
