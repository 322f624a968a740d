import CeleryMessage
import Inspection

extension DeadLetterGroup {
    var json: JSONObject {
        [
            "fingerprint": .string(fingerprint), "task": .string(kind.task), "exception": .string(kind.exception),
            "topFrame": kind.topFrame.map(JSONValue.string) ?? .null, "count": .int(Int64(count)),
            "firstSeen": .int(Int64(firstSeen.milliseconds)), "lastSeen": .int(Int64(lastSeen.milliseconds)),
        ]
    }
}

extension DeadLetter {
    /// What a list shows, in the words of jobs; moments in milliseconds.
    var summary: JSONObject {
        [
            "id": .string(id), "name": .string(task.name), "queue": .string(task.queue),
            "state": .string(task.state.rawValue), "tenant": task.tenant.map(JSONValue.string) ?? .null,
            "fingerprint": .string(fingerprint), "reason": .string(reason),
            "exception": task.failure.map { .string($0.type) } ?? .null,
            "failedReason": task.failure.map { .string($0.message) } ?? .null,
            "attempts": .int(Int64(task.attempts)), "failures": .int(Int64(failures)), "worker": .string(task.worker),
            "finishedOn": .int(Int64(task.finishedAt.milliseconds)),
        ]
    }

    /// Everything about one but its message, in which nothing is masked: that is for an export.
    var detail: JSONObject {
        var json = summary
        json["args"] = .string(task.arguments)
        json["kwargs"] = .string(task.keywords)
        json["traceback"] = task.failure?.traceback.map(JSONValue.string) ?? .null
        json["list"] = .string(list)
        json["bytes"] = .int(Int64(item.count))
        json.set("receivedOn", task.receivedAt?.milliseconds)
        json.set("processedOn", task.startedAt?.milliseconds)
        json.set("runtime", task.runtime.map { $0 / .seconds(1) })
        json.set("parent", task.parentID)
        json.set("root", task.rootID)
        json.set("group", task.groupID)
        return json
    }
}
