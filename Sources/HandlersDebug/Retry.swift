import CeleriacTasks
import CeleryMessage

/// Asks for a retry a number of times, then returns how many there were: `retry(times=1, countdown=0)`.
///
/// The task's own `max_retries` still holds: with fewer than `times` it ends as the failure it retried for.
struct Retry: TaskHandler {
    private static let parameters = Parameters("retry", [.optional("times", 1), .optional("countdown", 0)])

    func run(_ arguments: TaskArguments, context: TaskContext) async throws -> JSONValue {
        let bound = try Self.parameters.bind(arguments)
        let times = try bound.int("times")
        let countdown = try bound.seconds("countdown")
        let retries = context.request.retries
        guard retries < times else { return ["retries": .int(Int64(retries))] }
        throw context.retry(
            countdown: countdown,
            cause: .runtimeError("failed on purpose, run \(retries + 1) of \(times + 1)")
        )
    }
}
