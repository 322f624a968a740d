import CeleryMessage
import Transport

/// An entry of the list of rejected messages: JSON with the reason and the item, exactly as it was when it is text.
enum RejectedEntry {
    static func json(_ message: RejectedMessage, itemLimit: Int, now: Instant = .now()) -> [UInt8] {
        let cut = message.item.count > itemLimit
        let kept = cut ? Array(message.item[..<itemLimit]) : message.item
        var entry: JSONObject = [
            "reason": .string(message.reason),
            "queue": .string(message.queue),
            "task_id": message.taskID.map(JSONValue.string) ?? .null,
            "rejected_at": .double(now.seconds),
            "size": .int(Int64(message.item.count)),
            "truncated": .bool(cut),
        ]
        if let text = String(validating: kept, as: UTF8.self) {
            entry["message"] = .string(text)
        } else {
            entry["message_base64"] = .string(String(decoding: Base64.encode(kept), as: UTF8.self))
        }
        return JSONWriter.bytes(.object(entry))
    }
}
