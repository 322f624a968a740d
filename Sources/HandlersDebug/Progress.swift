import CeleriacTasks
import CeleryMessage

/// Reports every step as PROGRESS and returns how many there were: `progress(steps=10, delay=0.1)`.
struct Progress: TaskHandler {
    private static let parameters = Parameters("progress", [.optional("steps", 10), .optional("delay", 0.1)])

    func run(_ arguments: TaskArguments, context: TaskContext) async throws -> JSONValue {
        let bound = try Self.parameters.bind(arguments)
        let steps = try bound.int("steps")
        guard (0...1_000_000).contains(steps) else { throw bound.wrongValue("steps", "must be between 0 and 1000000") }
        let delay = Duration.seconds(try bound.seconds("delay"))
        for step in 0..<steps {
            try context.checkCancellation()
            context.progress(current: step + 1, total: steps, status: "step \(step + 1) of \(steps)")
            try await pause(delay, context: context)
        }
        return ["steps": .int(Int64(steps))]
    }
}
