import CeleryMessage
import Inspection

extension WorkerFacts {
    var json: JSONObject {
        var json: JSONObject = [
            "name": .string(name), "active": .int(Int64(active)), "reserved": .int(Int64(reserved)),
            "processed": .int(Int64(processed)), "queues": .array(queues.map(JSONValue.string)),
            "processes": .array(processes.map { .int(Int64($0)) }), "celeriac": .bool(isCeleriac),
        ]
        json.set("pid", pid)
        json.set("concurrency", concurrency)
        json.set("uptime", uptime)
        json.set("prefetch", prefetch)
        json.set("memory", memory)
        json["total"] = .object(JSONObject(ran.sorted { $0.key < $1.key }.map { ($0.key, .int(Int64($0.value))) }))
        return json
    }
}

extension WorkerTask {
    var json: JSONValue {
        var json: JSONObject = ["id": .string(id), "name": .string(name)]
        json.set("queue", queue)
        json.set("processedOn", startedAt?.milliseconds)
        json.set("pid", pid)
        json.set("delayedUntil", until?.milliseconds)
        return .object(json)
    }
}

extension WorkerDetail {
    var json: JSONObject {
        var json = facts.json
        json["activeTasks"] = .array(active.map(\.json))
        json["reservedTasks"] = .array(reserved.map(\.json))
        json["scheduledTasks"] = .array(scheduled.map(\.json))
        json["registered"] = .array(registered.map(JSONValue.string))
        json["revoked"] = .array(revoked.map(JSONValue.string))
        json["stats"] = .object(stats)
        json["conf"] = .object(configuration)
        return json
    }

    /// Under Flower's names.
    var flowerJSON: JSONObject {
        [
            "stats": .object(stats), "conf": .object(configuration),
            "active": .array(active.map(\.json)), "reserved": .array(reserved.map(\.json)),
            "scheduled": .array(scheduled.map(\.json)), "registered": .array(registered.map(JSONValue.string)),
            "revoked": .array(revoked.map(JSONValue.string)),
            "active_queues": .array(facts.queues.map { ["name": .string($0)] }),
        ]
    }
}

extension WorkerReply {
    var json: JSONValue {
        var json: JSONObject = ["worker": .string(node), "ok": .bool(isOK)]
        json.set("reply", done)
        json.set("error", error)
        return .object(json)
    }
}
