import CeleryMessage
import Hummingbird

/// What stands for one thing in an address, by the name of the address's part.
enum NameParameter: String {
    case taskID = "task_id"
    case task = "name"
    case worker
    case tenant

    static let longest = 255

    /// The name, percent signs resolved; one that nothing can have is refused.
    func read(_ context: GatewayContext) throws -> String {
        guard let name = context.part(rawValue), Self.isFit(name) else {
            throw GatewayError.invalid(rawValue, "Expected \(what): 1 to \(Self.longest) characters without spaces.")
        }
        return name
    }

    /// Any text without white space and control characters may be a name; the ids of Celery's tasks are UUIDs.
    static func isFit(_ name: String) -> Bool {
        !name.isEmpty && name.unicodeScalars.count <= longest
            && name.unicodeScalars.allSatisfy { $0.value > 0x20 && !(0x7F...0xA0).contains($0.value) }
    }

    private var what: String {
        switch self {
        case .taskID: "a task's id"
        case .task: "a task's name"
        case .worker: "a worker's name"
        case .tenant: "a tenant"
        }
    }
}

extension GatewayContext {
    /// A part of the address, percent signs resolved; `nil` where they are no text.
    func part(_ name: String) -> String? { parameters.get(name).flatMap(PercentEncoding.decoded) }
}

extension MemberReader {
    /// A list of names or ids.
    func names(_ name: String, _ count: ClosedRange<Int>, of what: String) throws -> [String] {
        let names = try array(name).map(\.string)
        guard count.contains(names.count), names.allSatisfy({ $0.map(NameParameter.isFit) ?? false }) else {
            throw invalid(name, "Expected \(count.lowerBound) to \(count.upperBound) \(what).")
        }
        return names.compactMap(\.self)
    }
}
