import CeleryMessage
import Inspection

extension AuditEntry {
    var json: JSONObject {
        [
            "at": .int(Int64(at.milliseconds)), "who": .string(who), "address": .string(address),
            "action": .string(action), "target": .string(target), "outcome": .string(outcome),
            "detail": .object(detail),
        ]
    }
}
