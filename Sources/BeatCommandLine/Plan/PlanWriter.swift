import CeleryMessage
import Schedules

/// Writes a plan line by line, as text for people or as JSON for programs.
struct PlanWriter {
    /// Whether each line is a JSON object.
    var isJSON: Bool
    /// The zone in which times are shown; `nil` shows each in its entry's own.
    var zone: ZoneRules?
    /// Where the lines go, some thousands at a time.
    var output: (String) -> Void
    private var lines: [UInt8] = []

    init(isJSON: Bool, zone: ZoneRules?, output: @escaping (String) -> Void) {
        self.isJSON = isJSON
        self.zone = zone
        self.output = output
    }

    /// A run, with what a comparison says about it.
    mutating func write(_ slot: Instant, of entry: ScheduleEntry, _ side: PlanDifference.Side? = nil) {
        if isJSON {
            var members: [(String, JSONValue)] = [("entry", .string(entry.name)), ("at", .string(time(slot, entry)))]
            let due = entry.due(slot)
            if due != slot { members.append(("due", .string(time(due, entry)))) }
            if let side { members.append(("change", .string(side == .added ? "added" : "removed"))) }
            write(members)
        } else {
            let mark = side.map { $0 == .added ? "+ " : "- " } ?? ""
            line("\(mark)\(time(slot, entry))  \(entry.name)  \(entry.task)")
        }
    }

    /// An entry that differs in other ways than its times.
    mutating func write(changed keys: [String], of name: String) {
        if isJSON {
            write([
                ("entry", .string(name)), ("change", .string("changed")),
                ("keys", .array(keys.map(JSONValue.string))),
            ])
        } else {
            line("~ \(name): \(keys.joined(separator: ", "))")
        }
    }

    /// A line for people alone.
    mutating func note(_ text: String) {
        if !isJSON { line(text) }
    }

    /// Hands over what was written and not yet handed over.
    mutating func flush() {
        if !lines.isEmpty { output(String(decoding: lines, as: UTF8.self)) }
        lines.removeAll(keepingCapacity: true)
    }

    private func time(_ moment: Instant, _ entry: ScheduleEntry) -> String {
        ISO8601.string(moment, offset: (zone ?? entry.zone).offset(at: moment))
    }

    private mutating func write(_ members: [(String, JSONValue)]) {
        JSONWriter.write(JSONObject(members), into: &lines)
        endLine()
    }

    private mutating func line(_ text: String) {
        lines += text.utf8
        endLine()
    }

    private mutating func endLine() {
        lines.append(UInt8(ascii: "\n"))
        if lines.count > 1 << 16 { flush() }
    }
}
