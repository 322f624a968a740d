public import CeleryMessage

extension DeadLetter {
    /// One line of an export: the facts, and the item as text where it is text, else in base64.
    public var json: JSONObject {
        var line: JSONObject = [
            "id": .string(id),
            "task": .string(task.name),
            "queue": .string(task.queue),
            "list": .string(list),
            "state": .string(task.state.rawValue),
            "tenant": task.tenant.map(JSONValue.string) ?? .null,
            "reason": .string(reason),
            "fingerprint": .string(fingerprint),
            "attempts": .int(Int64(task.attempts)),
            "failures": .int(Int64(failures)),
            "failed_at": .string(ISO8601.string(task.finishedAt)),
            "worker": .string(task.worker),
            "exception": task.failure.map { .string($0.type) } ?? .null,
            "message": task.failure.map { .string($0.message) } ?? .null,
            "traceback": task.failure?.traceback.map(JSONValue.string) ?? .null,
        ]
        if let text = String(validating: item, as: UTF8.self) {
            line["item"] = .string(text)
        } else {
            line["item_base64"] = .string(String(decoding: Base64.encode(item), as: UTF8.self))
        }
        return line
    }
}
