import Hummingbird

/// A task's id as it stands in an address.
enum TaskIDParameter {
    static let longest = 255

    /// The id, percent signs resolved; ids that no task can have are refused.
    static func read(_ context: GatewayContext) throws -> String {
        guard let id = context.parameters.get("task_id").flatMap(PercentEncoding.decoded), isFit(id) else {
            throw GatewayError.invalid("task_id", "Expected a task's id: 1 to 255 characters without spaces.")
        }
        return id
    }

    /// Any text without white space and control characters may be an id; Celery's are UUIDs.
    static func isFit(_ id: String) -> Bool {
        !id.isEmpty && id.unicodeScalars.count <= longest
            && id.unicodeScalars.allSatisfy { $0.value > 0x20 && !(0x7F...0xA0).contains($0.value) }
    }
}
