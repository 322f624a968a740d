import CeleryMessage

/// Puts the members that all events share around an event's own, in Celery's order.
struct EventWriter: Sendable {
    private let hostname: String
    private let processID: Int32
    /// Hours west of UTC.
    private let utcOffset: Double

    init(hostname: String, processID: Int32, utcOffset: Double) {
        self.hostname = hostname
        self.processID = processID
        self.utcOffset = utcOffset
    }

    /// Appends one event as a JSON object.
    func write(_ event: EventDraft, clock: Int64, into out: inout [UInt8]) {
        out += #"{"hostname": "#.utf8
        JSONWriter.writeString(hostname, into: &out)
        out += #", "utcoffset": "#.utf8
        JSONWriter.write(.double(utcOffset), into: &out)
        out += #", "pid": "#.utf8
        JSONWriter.write(.int(Int64(processID)), into: &out)
        out += #", "clock": "#.utf8
        JSONWriter.write(.int(clock), into: &out)
        out += ", ".utf8
        out += event.fields.bytes
        out += #""timestamp": "#.utf8
        JSONWriter.write(.double(event.timestamp), into: &out)
        out += #", "type": ""#.utf8
        event.type.withUTF8Buffer { out.append(contentsOf: $0) }
        out += #""}"#.utf8
    }
}
