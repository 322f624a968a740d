import CeleryMessage
import Inspection

extension JobSummary {
    /// In the words of BullMQ, moments in milliseconds.
    var json: JSONObject {
        var json: JSONObject = [
            "id": .string(id), "name": task.map(JSONValue.string) ?? .null, "queue": .string(queue),
            "state": .string(state.rawValue), "attempts": .int(Int64(attempts)),
        ]
        json.set("position", position)
        json.set("priority", priority)
        if !arguments.isEmpty { json["arguments"] = .string(arguments) }
        json.set("tenant", tenant)
        json.set("delayedUntil", until?.milliseconds)
        json.set("worker", worker)
        json.set("processedOn", startedAt?.milliseconds)
        json.set("finishedOn", finishedAt?.milliseconds)
        json.set("runtime", runtime)
        json.set("progress", progress?.json)
        json.set("failedReason", failedReason)
        json.set("returnvalue", result)
        return json
    }
}

extension JobProgress {
    var json: JSONValue {
        var json: JSONObject = ["current": whole(current), "total": whole(total), "percent": whole(percent)]
        json.set("status", status)
        return .object(json)
    }

    private func whole(_ number: Double) -> JSONValue {
        Int64(exactly: number).map(JSONValue.int) ?? .double(number)
    }
}

extension JobDetail {
    var json: JSONObject {
        var json = summary.json
        json["taskState"] = .string(taskState.rawValue)
        json["data"] = kwargs.map(JSONValue.object) ?? .null
        json["args"] = args.map(JSONValue.array) ?? .null
        json["result"] = result ?? .null
        json["returnvalue"] = summary.state == .completed ? (result ?? .null) : .null
        json["progress"] = summary.progress?.json ?? .null
        json["failedReason"] = summary.failedReason.map(JSONValue.string) ?? .null
        json["stacktrace"] = .array(stacktrace.map(JSONValue.string))
        json["attemptsLog"] = .array(attempts.map { .object($0.json) })
        json["retryable"] = .bool(isRetryable)
        json.set("parent", parent)
        json.set("root", root)
        json.set("group", group)
        if !children.isEmpty { json["children"] = .array(children.map(JSONValue.string)) }
        json.set("origin", origin)
        json.set("eta", eta?.milliseconds)
        json.set("expires", expires?.milliseconds)
        json.set("receivedOn", receivedAt?.milliseconds)
        json.set("bytes", messageBytes)
        return json
    }
}

extension JobAttempt {
    var json: JSONObject {
        var json: JSONObject = [
            "attempt": .int(Int64(number)), "outcome": .string(outcome.rawValue),
            "finishedOn": .int(Int64(finishedAt.milliseconds)),
        ]
        json.set("processedOn", startedAt?.milliseconds)
        json.set("runtime", runtime.map { $0 / .seconds(1) })
        json.set("worker", worker)
        if let failure { json["error"] = ["type": .string(failure.type), "message": .string(failure.message)] }
        return json
    }
}

extension Instant {
    /// Milliseconds since 1970, as JavaScript counts.
    var milliseconds: Int { Int(microseconds / 1000) }
}
