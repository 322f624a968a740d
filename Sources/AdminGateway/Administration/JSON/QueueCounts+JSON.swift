import CeleryMessage
import Inspection

extension QueueCounts {
    /// What an application's own statistics show, no more.
    var plainJSON: JSONValue {
        [
            "queue": .string(name), "waiting": number(waiting), "active": number(active),
            "completed": number(completed),
            "failed": number(failed), "delayed": number(delayed), "total": number(total),
        ]
    }

    /// Everything.
    var json: JSONValue {
        var json = plainJSON.object ?? JSONObject()
        json["paused"] = .bool(isPaused)
        json["completedEver"] = number(completedEver)
        json["failedEver"] = number(failedEver)
        json["consumers"] = number(consumers)
        json["oldestWaiting"] = oldestWaiting.map(JSONValue.double) ?? .null
        return .object(json)
    }

    private func number(_ count: Int?) -> JSONValue { count.map { .int(Int64($0)) } ?? .null }
}
