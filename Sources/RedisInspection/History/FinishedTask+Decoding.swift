import CeleryMessage
import Inspection

extension FinishedTask {
    /// Reads a line as `HistoryWriter` of the worker writes it; `nil` where it is none.
    ///
    /// - Parameter queue: the queue whose history it is.
    init?(line: some Sequence<UInt8>, queue: String) {
        guard let value = try? JSONReader.value(Array(line)) else { return nil }
        self.init(value, queue: queue)
    }

    init?(_ value: JSONValue, queue: String) {
        guard let id = value["i"]?.string, let name = value["n"]?.string, let state = value["s"]?.string,
            let worker = value["w"]?.string, let end = value["f"]?.int
        else { return nil }
        self.init(
            id: id,
            name: name,
            queue: queue,
            state: TaskState(rawValue: state),
            worker: worker,
            finishedAt: Instant(microseconds: end)
        )
        attempts = Int(min(max(1, value["t"]?.int ?? 1), Int64(Int32.max)))
        tenant = value["m"]?.string
        receivedAt = value["r"]?.int.map { Instant(microseconds: end &- $0) }
        startedAt = value["b"]?.int.map { Instant(microseconds: end &- $0) }
        runtime = value["d"]?.int.map { .microseconds($0) }
        arguments = Self.text("a", "A", value) ?? "[]"
        keywords = Self.text("k", "K", value) ?? "{}"
        result = Self.text("v", "V", value)
        if let raised = value["e"]?.array, raised.count == 2 {
            failure = Failure(
                type: raised[0].string ?? "",
                message: raised[1].string ?? "",
                traceback: value["c"]?.string
            )
        }
        if let progress = value["p"]?.array, progress.count == 3 {
            self.progress = JobProgress(
                current: progress[0].number ?? 0,
                total: progress[1].number ?? 0,
                status: progress[2].string
            )
        }
        earlierAttempts = value["h"]?.array?.compactMap(Attempt.init(json:)) ?? []
        parentID = value["u"]?.string
        rootID = value["o"]?.string ?? id
        groupID = value["g"]?.string
    }

    /// JSON text: the value under one key, or the beginning of it under the other.
    private static func text(_ whole: String, _ cut: String, _ line: JSONValue) -> String? {
        line[whole].map(JSONWriter.string) ?? line[cut]?.string
    }
}

extension FinishedTask.Attempt {
    /// Reads `[began, ended, type, message, worker, seconds]`; the last two are missing in what older workers wrote.
    init?(json: JSONValue) {
        guard let parts = json.array, parts.count >= 4, let ended = parts[1].number else { return nil }
        self.init(
            startedAt: parts[0].number.map(Instant.init(seconds:)),
            finishedAt: Instant(seconds: ended),
            failure: parts[2].string.map { FinishedTask.Failure(type: $0, message: parts[3].string ?? "") }
        )
        guard parts.count >= 6 else { return }
        worker = parts[4].string
        runtime = parts[5].number.map { .seconds(min(max(0, $0), 1e9)) }
    }
}
