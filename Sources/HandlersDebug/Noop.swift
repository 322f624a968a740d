import CeleriacTasks
import CeleryMessage

/// Returns null.
struct Noop: TaskHandler {
    func run(_ arguments: TaskArguments, context: TaskContext) async throws -> JSONValue { .null }
}
