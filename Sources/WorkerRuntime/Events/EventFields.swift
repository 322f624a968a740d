import CeleryMessage
import Transport

/// The members of one event as JSON text, in the order in which they are appended.
struct EventFields: Sendable {
    /// What has been appended: `"key": value, ` again and again.
    private(set) var bytes: [UInt8] = []

    init() { bytes.reserveCapacity(256) }

    mutating func append(_ key: StaticString, _ text: String) {
        name(key)
        JSONWriter.writeString(text, into: &bytes)
        separate()
    }

    mutating func append(_ key: StaticString, _ text: String?) {
        guard let text else { return append(key, .null) }
        append(key, text)
    }

    mutating func append(_ key: StaticString, _ value: JSONValue) {
        name(key)
        JSONWriter.write(value, into: &bytes)
        separate()
    }

    private mutating func name(_ key: StaticString) {
        bytes.append(UInt8(ascii: "\""))
        key.withUTF8Buffer { bytes.append(contentsOf: $0) }
        bytes.append(UInt8(ascii: "\""))
        bytes.append(UInt8(ascii: ":"))
        bytes.append(UInt8(ascii: " "))
    }

    private mutating func separate() {
        bytes.append(UInt8(ascii: ","))
        bytes.append(UInt8(ascii: " "))
    }
}

/// An event without the members that all share; it may wait for what it tells of to be committed.
///
/// A class, because most commits have none and room for one would cost each of them.
final class EventDraft: Sendable {
    let type: StaticString
    let fields: EventFields
    let timestamp: Double

    init(_ type: StaticString, _ fields: EventFields, at timestamp: Double) {
        self.type = type
        self.fields = fields
        self.timestamp = timestamp
    }
}

/// The task events of Celery, member by member (`celery/worker/request.py`, `celery/app/trace.py`).
extension EventFields {
    /// Results and tracebacks are cut at this many characters.
    private static let longestTraceback = 100_000

    static func received(_ headers: TaskHeaders, hiding secrets: SecretNames) -> EventFields {
        var fields = EventFields()
        fields.append("uuid", headers.id)
        fields.append("name", headers.shadow ?? headers.task)
        fields.append("args", headers.argsrepr.map(secrets.masked(repr:)))
        fields.append("kwargs", headers.kwargsrepr.map(secrets.masked(repr:)))
        fields.append("root_id", headers.rootID)
        fields.append("parent_id", headers.parentID)
        fields.append("retries", .int(Int64(headers.retries)))
        fields.append("eta", shown(headers.eta))
        fields.append("expires", shown(headers.expires))
        return fields
    }

    /// A date as Python prints one it has parsed: with its offset.
    private static func shown(_ text: String?) -> String? {
        text.flatMap(ISO8601.date).map { ISO8601.string($0) }
    }

    /// One of our own: receivers of Celery's that know no such type pass it on as any other.
    static func stalled(_ headers: TaskHeaders, silent: Double, running: Double, limit: Double?) -> EventFields {
        var fields = EventFields()
        fields.append("uuid", headers.id)
        fields.append("name", headers.shadow ?? headers.task)
        fields.append("silent_for", .double(silent))
        fields.append("running_for", .double(running))
        fields.append("time_limit", limit.map(JSONValue.double) ?? .null)
        return fields
    }

    static func started(_ headers: TaskHeaders) -> EventFields {
        var fields = EventFields()
        fields.append("uuid", headers.id)
        return fields
    }

    static func succeeded(
        _ headers: TaskHeaders,
        result: [UInt8],
        hiding secrets: SecretNames,
        runtime: Duration?,
        longest: Int
    ) -> EventFields {
        var fields = EventFields()
        fields.append("uuid", headers.id)
        fields.append("result", TaskLog.shown(result, hiding: secrets, longest: longest))
        let seconds = runtime.map { Double($0.components.seconds) + Double($0.components.attoseconds) / 1e18 }
        fields.append("runtime", .double(seconds ?? 0))
        return fields
    }

    static func failed(_ id: String, _ exception: ExceptionInfo, traceback: String?) -> EventFields {
        var fields = EventFields()
        fields.append("uuid", id)
        fields.append("exception", exception.pythonRepr)
        if let traceback { fields.append("traceback", String(traceback.prefix(longestTraceback))) }
        return fields
    }

    static func retried(_ headers: TaskHeaders, _ cause: ExceptionInfo?, traceback: String?) -> EventFields {
        var fields = EventFields()
        fields.append("uuid", headers.id)
        fields.append("exception", cause?.pythonRepr ?? "None")
        fields.append("traceback", traceback.map { String($0.prefix(longestTraceback)) })
        return fields
    }

    static func revoked(_ headers: TaskHeaders, signal: Int32?, isExpired: Bool) -> EventFields {
        var fields = EventFields()
        fields.append("uuid", headers.id)
        fields.append("terminated", .bool(signal != nil))
        fields.append("signum", signal.map { .int(Int64($0)) } ?? .null)
        fields.append("expired", .bool(isExpired))
        return fields
    }

    static func rejected(_ headers: TaskHeaders, requeue: Bool) -> EventFields {
        var fields = EventFields()
        fields.append("uuid", headers.id)
        fields.append("requeue", .bool(requeue))
        return fields
    }

    static func cancelled(_ headers: TaskHeaders) -> EventFields { started(headers) }

    static func sent(_ message: TaskMessage, hiding secrets: SecretNames) -> EventFields {
        let headers = message.headers
        var fields = EventFields()
        fields.append("uuid", headers.id)
        fields.append("root_id", headers.rootID)
        fields.append("parent_id", headers.parentID)
        fields.append("name", headers.task)
        fields.append("args", headers.argsrepr.map(secrets.masked(repr:)))
        fields.append("kwargs", headers.kwargsrepr.map(secrets.masked(repr:)))
        fields.append("retries", .int(Int64(headers.retries)))
        fields.append("eta", shown(headers.eta))
        fields.append("expires", shown(headers.expires))
        fields.append("queue", message.properties.routingKey)
        fields.append("exchange", message.properties.exchange)
        fields.append("routing_key", message.properties.routingKey)
        return fields
    }

    /// A worker's state of being, as its heartbeats tell it.
    static func worker(frequency: Double, active: Int, processed: Int, load: [Double]) -> EventFields {
        var fields = EventFields()
        fields.append("freq", .double(frequency))
        fields.append("active", .int(Int64(active)))
        fields.append("processed", .int(Int64(processed)))
        fields.append("loadavg", .array(load.map { .double(($0 * 100).rounded() / 100) }))
        fields.appendSoftware()
        return fields
    }

    /// What the command `heartbeat` has a worker tell.
    static func heartbeatOnDemand() -> EventFields {
        var fields = EventFields()
        fields.append("freq", .int(5))
        fields.appendSoftware()
        return fields
    }

    /// Celery's name and version: monitors choose how to read a worker's events by them.
    private mutating func appendSoftware() {
        append("sw_ident", "py-celery")
        append("sw_ver", "5.7.0")
        append("sw_sys", "Linux")
    }

    static func electionAcknowledged(_ id: String) -> EventFields {
        var fields = EventFields()
        fields.append("id", id)
        return fields
    }
}
