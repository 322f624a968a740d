import CeleryMessage

/// What is needed to finish a chord, whoever does: its body, and the part that came last, from which the body descends.
///
/// Every part brings it along; that of the last one is kept with the claim.
struct ChordCompletion {
    var body: Signature
    /// Of the last part: id, root and stamps.
    var parent: TaskHeaders
    var priority: Int

    init(body: Signature, parent: TaskHeaders, priority: Int) {
        self.body = body
        self.parent = parent
        self.priority = priority
    }

    /// The completion as it is stored.
    var encoded: [UInt8] {
        JSONWriter.bytes([
            "body": body.json,
            "task": .string(parent.task),
            "id": .string(parent.id),
            "root_id": .string(parent.root),
            "stamped_headers": parent.stampedHeaders.map { .array($0.map(JSONValue.string)) } ?? .null,
            "stamps": .object(parent.stamps),
            "priority": .int(Int64(priority)),
        ])
    }

    /// Reads a stored completion; `nil` for anything else.
    init?(decoding bytes: [UInt8]) {
        guard let value = try? JSONReader.value(bytes, limits: JSONLimits(bytes: .max)),  // not ours
            let id = value["id"]?.string, let body = value["body"].flatMap({ try? Signature(json: $0) })
        else { return nil }
        self.body = body
        parent = TaskHeaders(task: value["task"]?.string ?? "", id: id)
        parent.rootID = value["root_id"]?.string
        parent.stampedHeaders = value["stamped_headers"]?.array?.compactMap(\.string)
        parent.stamps = value["stamps"]?.object ?? [:]
        priority = value["priority"]?.int.flatMap { Int(exactly: $0) } ?? 0
    }
}
