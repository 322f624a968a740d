import CeleryMessage
import Inspection

extension ScheduleFacts {
    var json: JSONObject {
        [
            "entries": .array(entries.map(\.json)),
            "beats": .array(
                beats.map { beat in
                    [
                        "id": .string(beat.id), "lastSign": .int(Int64(beat.lastSign.milliseconds)),
                        "leading": .bool(beat.isLeading),
                    ]
                }
            ),
        ]
    }
}

extension ScheduledEntry {
    var json: JSONValue {
        var json: JSONObject = [
            "name": .string(name), "task": .string(task), "times": .string(times), "enabled": .bool(isEnabled),
            "paused": .bool(isPaused), "sent": .int(Int64(sent)), "missed": .int(Int64(missed)),
            "skipped": .int(Int64(skipped)),
        ]
        json.set("queue", queue)
        json.set("purpose", purpose)
        json["last"] = last.map { .int(Int64($0.milliseconds)) } ?? .null
        json["next"] = next.map { .int(Int64($0.milliseconds)) } ?? .null
        json.set("lastTaskId", lastTaskID)
        return .object(json)
    }
}
