import CeleryMessage

/// Events as one line each (`celery/events/dumper.py`).
struct EventText {
    /// What later events say nothing about: the tasks' names and arguments, by id.
    private var tasks: [String: String] = [:]
    private var order: [String] = []

    private static let mostTasks = 10_000

    /// The line of an event; `nil` for what is none.
    mutating func line(_ event: JSONValue) -> String? {
        guard var fields = event.object, let type = fields["type"]?.string, let node = fields["hostname"]?.string
        else { return nil }
        let moment = ISO8601.string(Instant(seconds: fields["timestamp"]?.number ?? 0)).replacing("T", with: " ")
        for key in ["type", "hostname", "timestamp"] { fields[key] = nil }
        var text = "\(node) [\(moment)] \(type.lowercased().replacing("-", with: " "))"
        var task = ""
        if type.hasPrefix("task-"), let id = fields["uuid"]?.string {
            fields["uuid"] = nil
            if type == "task-received" || type == "task-sent" {
                let name = fields["name"]?.string ?? ""
                let args = fields["args"]?.string ?? "None"
                let kwargs = fields["kwargs"]?.string ?? "None"
                for key in ["name", "args", "kwargs"] { fields[key] = nil }
                remember(id, "\(name)(\(id)) args=\(args) kwargs=\(kwargs)")
            }
            task = " " + (tasks[id] ?? "(\(id))")
        }
        let shown = fields.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value.string ?? $0.value.pythonRepr)" }
        if !shown.isEmpty { text += ":" }
        return ReplyText.safe((text + task + " " + shown.joined(separator: ", ")).replacing("\n", with: "\\n"))
    }

    private mutating func remember(_ id: String, _ text: String) {
        if tasks.updateValue(text, forKey: id) == nil { order.append(id) }
        guard order.count > 2 * Self.mostTasks else { return }
        for id in order.prefix(Self.mostTasks) { tasks[id] = nil }
        order.removeFirst(Self.mostTasks)
    }
}
