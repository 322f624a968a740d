import CeleriacTasks
import CeleryMessage

/// Returns `{"args": [...], "kwargs": {...}}`.
struct Echo: TaskHandler {
    func run(_ arguments: TaskArguments, context: TaskContext) async throws -> JSONValue {
        ["args": .array(arguments.positional), "kwargs": .object(arguments.keyword)]
    }
}
