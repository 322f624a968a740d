import CeleryMessage
import Inspection

/// The body of a task's status: what a front end that polls reads, and what it may read beside.
///
/// The first members are those that a FastAPI route makes of `AsyncResult.state` and `AsyncResult.info`, with the same
/// values in the same order. What follows them is left out where it is not known.
struct StatusBody {
    /// Which members it has.
    enum Shape: Sendable {
        /// The first members only.
        case plain
        /// What else is known as well.
        case full
    }

    let status: TaskStatus
    let locale: StatusLocale
    let shape: Shape
    /// The files that the task's result names.
    var files: [Downloads.Link] = []

    var json: JSONValue {
        var body = common
        if shape == .full { addKnown(to: &body) }
        return .object(body)
    }

    private var common: JSONObject {
        let state = JSONValue.string(status.state.rawValue)
        guard let record = status.record, record.status != .pending else {
            return ["state": state, "current": 0, "total": 100, "status": .string(locale.waiting)]
        }
        // What a task stored may be anything, for example deeper than values may be.
        let info = (try? record.value()) ?? .null
        switch record.status {
        case .progress:
            return [
                "state": state, "current": info["current"] ?? 0, "total": info["total"] ?? 100,
                "status": info["status"] ?? "",
            ]
        case .success:
            return ["state": state, "current": 100, "total": 100, "status": .string(locale.done), "result": info]
        default: return ["state": state, "status": .string(text(of: info, record))]
        }
    }

    /// What Python's `str` makes of the stored information.
    private func text(of info: JSONValue, _ record: ResultRecord) -> String {
        if let exception = record.exception { return exception.pythonText }
        return info.pythonText
    }

    private func addKnown(to body: inout JSONObject) {
        // A poller that prints `current` of a task which has just started should not print "undefined".
        if !status.state.isReady {
            if body["current"] == nil { body["current"] = 0 }
            if body["total"] == nil { body["total"] = 100 }
        }
        body["known"] = status.isKnown.map(JSONValue.bool)
        body["queue"] = status.queue.map(JSONValue.string)
        switch status.search?.whereabouts?.place {
        case .waiting(let position)?: body["position"] = .int(Int64(position))
        case .parked(let due)?: body["eta"] = .string(ISO8601.string(due))
        case .held?, nil: break
        }
        body["attempt"] = status.attempt.map { .int(Int64($0)) }
        body["worker"] = status.worker.map(JSONValue.string)
        body["updated_at"] = status.updatedAt.map { .string(ISO8601.string($0)) }
        if !files.isEmpty { body["files"] = .array(files.map { .object($0.json) }) }
    }
}
