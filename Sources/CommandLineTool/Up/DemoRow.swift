import CeleryMessage

/// One task of the demo as the screen shows it.
struct DemoRow {
    let task: String
    let id: String
    private(set) var state = TaskState.pending
    private(set) var current = 0
    private(set) var total = 100
    private(set) var status = "waiting"
    private(set) var files: [String] = []

    init(task: String, id: String) {
        self.task = task
        self.id = id
    }

    var hasEnded: Bool { state.isReady }
    var shortName: String { task.split(separator: ".").last.map(String.init) ?? task }

    mutating func update(_ record: ResultRecord) {
        state = record.status
        guard let value = try? record.value() else { return }  // what is stored here is the worker's own JSON
        switch state {
        case .success:
            (current, total) = (1, 1)
            status = "done"
            files = Self.files(in: value)
        case .failure, .revoked: status = record.exception?.description ?? "failed"
        case .retry: status = "retrying: \(record.exception?.message ?? "")"
        default:
            current = value["current"]?.int.map(Int.init) ?? current
            total = max(1, value["total"]?.int.map(Int.init) ?? total)
            status = value["status"]?.string ?? state.rawValue
        }
    }

    /// Paths that a result names: `file`, `files`, and those of its items.
    private static func files(in value: JSONValue, depth: Int = 0) -> [String] {
        guard depth < 4 else { return [] }
        switch value {
        case .object(let object):
            return object.flatMap { member -> [String] in
                if ["file", "accepted_file"].contains(member.key), let path = member.value.string {
                    // A path that starts nowhere is what was asked for, not what was made.
                    return path.hasPrefix("/") ? [path] : []
                }
                if member.key == "files", let list = member.value.array {
                    let texts = list.compactMap(\.string)
                    if !texts.isEmpty { return texts }
                }
                return files(in: member.value, depth: depth + 1)
            }
        case .array(let list): return list.flatMap { files(in: $0, depth: depth + 1) }
        default: return []
        }
    }
}
