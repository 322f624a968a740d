import CeleryMessage
import Hummingbird
import Inspection
import Logging

/// Running a task at once where no queue can be reached.
extension EnqueueRoutes {
    /// What became of a task.
    enum Sending {
        /// It was given to its queue.
        case queued(SendOutcome)
        /// It ran here.
        case ran(RunOutcome)
    }

    /// How long a task that may run here waits for a connection that is not there.
    static let patience: Duration = .milliseconds(250)

    /// Whether a task may run at once: one that is to run later, or not any more, needs its queue.
    func mayRunHere(_ wanted: TaskRequest) -> Bool {
        guard let runner, runner.allows(wanted.task, from: wanted.queue) else { return false }
        let present = enqueuer.present
        return wanted.eta.map { $0 <= present } ?? true && wanted.expires.map { $0 > present } ?? true
    }

    /// Runs a task of which it is certain that it was not sent.
    func runHere(_ wanted: TaskRequest, _ context: GatewayContext) async throws -> RunOutcome {
        guard let runner else { throw InspectionError(.notSent, "nothing runs here") }
        let who = context.user?.name ?? context.remoteAddress
        context.logger.warning("No queue can be reached: task \(wanted.task)[\(wanted.id)] runs here for \(who)")
        let outcome = try await runner.run(wanted)
        switch outcome {
        case .success(_, let unsent):
            guard !unsent.isEmpty else { break }
            let names = unsent.joined(separator: ", ")
            context.logger.error("Task \(wanted.task)[\(wanted.id)] wanted to send \(names), which no queue took")
        case .failure(let type, let message):
            context.logger.error("Task \(wanted.task)[\(wanted.id)] failed here: \(type): \(message)")
        }
        return outcome
    }

    /// The answer for a task that ran here.
    func answer(_ outcome: RunOutcome) -> Response {
        switch outcome {
        case .success(let value, let unsent):
            var body: JSONObject = ["success": true, "sync": true, "data": value]
            if !unsent.isEmpty { body["unsent"] = .array(unsent.map(JSONValue.string)) }
            return .json(.object(body))
        case .failure(let type, let message):
            return .json(
                [
                    "success": false, "sync": true, "error": .string("\(type): \(message)"), "code": "task_failed",
                    "exception": ["type": .string(type), "message": .string(message)],
                ],
                status: .internalServerError
            )
        }
    }
}
