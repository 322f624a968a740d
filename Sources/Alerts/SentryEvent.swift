package import CeleryMessage

/// A task that failed for good as an event of Sentry, in an envelope.
package enum SentryEvent {
    /// The event.
    ///
    /// Its id follows from the letter, so that one that is sent twice is one.
    package static func json(_ alert: Alert, environment: String?, release: String?, home: String?) -> JSONObject {
        let letter = alert.letter
        var tags: JSONObject = ["task_id": .string(letter.id), "queue": .string(letter.queue)]
        if !letter.task.isEmpty { tags["task"] = .string(letter.task) }
        if !letter.worker.isEmpty { tags["worker"] = .string(letter.worker) }
        if let tenant = letter.tenant { tags["tenant"] = .string(tenant) }
        var exception: JSONObject = ["type": .string(letter.exception), "value": .string(letter.message)]
        let frames = letter.traceback.map { StackTrace($0).frames } ?? []
        if !frames.isEmpty { exception["stacktrace"] = ["frames": .array(frames.map { .object($0.json) })] }
        var event: JSONObject = [
            "event_id": .string(id(of: letter)), "timestamp": .double(letter.failedAt.seconds), "platform": "python",
            "level": alert.subject == .test ? "info" : "error", "logger": "celeriac",
            "fingerprint": [.string(letter.fingerprint)], "tags": .object(tags),
            "exception": ["values": [.object(exception)]],
            "extra": ["attempts": .int(Int64(letter.attempts))],
        ]
        if !letter.task.isEmpty { event["transaction"] = .string(letter.task) }
        if !letter.worker.isEmpty { event["server_name"] = .string(letter.worker) }
        if let environment { event["environment"] = .string(environment) }
        if let release { event["release"] = .string(release) }
        if let home { event["contexts"] = ["celeriac": ["url": .string("\(home)/dead-letters/\(letter.fingerprint)")]] }
        return event
    }

    /// The bytes of an envelope with one event.
    package static func envelope(_ event: JSONObject) -> [UInt8] {
        let payload = JSONWriter.bytes(.object(event))
        var out = JSONWriter.bytes(["event_id": event["event_id"] ?? .null])
        out.append(0x0A)
        out += JSONWriter.bytes([
            "type": "event", "content_type": "application/json", "length": .int(Int64(payload.count)),
        ])
        out.append(0x0A)
        out += payload
        out.append(0x0A)
        return out
    }

    /// 32 hexadecimal digits: FNV-1a over the id and the moment, twice.
    private static func id(of letter: AlertLetter) -> String {
        let bytes = Array("\(letter.id) \(letter.failedAt.microseconds)".utf8)
        return [UInt64(0xCBF2_9CE4_8422_2325), 0x9E37_79B9_7F4A_7C15].map { seed in
            let hash = bytes.reduce(seed) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
            let digits = String(hash, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
    }
}

extension StackTrace.Frame {
    fileprivate var json: JSONObject {
        var json: JSONObject = ["filename": .string(file)]
        if let line { json["lineno"] = .int(Int64(line)) }
        if let function { json["function"] = .string(function) }
        if let context { json["context_line"] = .string(context) }
        return json
    }
}
