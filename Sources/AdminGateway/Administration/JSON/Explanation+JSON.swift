import CeleryMessage
import Inspection

extension Explanation {
    var json: JSONObject {
        var json: JSONObject = [
            "task_id": .string(taskID), "state": .string(state.rawValue), "finished": .bool(isFinished),
            "reasons": .array(
                reasons.map { reason in
                    ["code": .string(reason.code), "text": .string(reason.text), "facts": .object(reason.facts)]
                }
            ),
        ]
        json.set("task", task)
        json.set("queue", queue)
        return json
    }
}
