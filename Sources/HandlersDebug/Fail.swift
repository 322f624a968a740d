import CeleriacTasks
import CeleryMessage

/// Raises `ValueError` with its argument as the message: `fail(message="failed on purpose")`.
struct Fail: TaskHandler {
    private static let parameters = Parameters("fail", [.optional("message", "failed on purpose")])

    func run(_ arguments: TaskArguments, context: TaskContext) async throws -> JSONValue {
        let message = try Self.parameters.bind(arguments).value("message")
        throw TaskFailure(module: "builtins", type: "ValueError", arguments: [message])
    }
}
