import CeleriacTasks
import CeleryMessage

/// Sleeps and returns the seconds; ends at once when cancelled: `sleep(seconds=1)`.
struct Sleep: TaskHandler {
    private static let parameters = Parameters("sleep", [.optional("seconds", 1)])

    func run(_ arguments: TaskArguments, context: TaskContext) async throws -> JSONValue {
        let bound = try Self.parameters.bind(arguments)
        try await pause(.seconds(try bound.seconds("seconds")), context: context)
        return bound.value("seconds")
    }
}

/// Sleeps; when cancelled, throws what the reason asks for.
func pause(_ duration: Duration, context: TaskContext) async throws {
    do {
        try await Task.sleep(for: duration)
    } catch {
        try context.checkCancellation()
        throw error
    }
}

extension BoundArguments {
    /// The longest any of these handlers takes: a day.
    private static let longest = 86_400.0

    /// A number of seconds from 0 to a day.
    func seconds(_ name: String) throws(TaskFailure) -> Double {
        let seconds = try number(name)
        guard (0...Self.longest).contains(seconds) else {
            throw wrongValue(name, "must be between 0 and 86400 seconds")
        }
        return seconds
    }
}
