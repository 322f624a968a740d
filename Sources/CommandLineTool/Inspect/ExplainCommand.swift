import ArgumentParser
import CeleryMessage
import Inspection
import RedisInspection
import WorkerCommandLine

/// `celeriac explain`: why a task does not run.
struct ExplainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Say why a task does not run, or what became of it.",
        discussion: "Code 0 where something is known of the task, 1 where nothing is, 69 where Redis does not answer."
    )

    @ParentCommand var global: CeleriacCommand
    @Flag(name: [.short, .long], help: "Print JSON.")
    var json = false
    @Argument(help: "The task's id.")
    var id: String

    mutating func run() async throws {
        let id = id
        let explanation = try await Examination.run(global) { try await $0.explainer.explain(id) }
        Terminal.out(json ? JSONWriter.string(Self.json(explanation)) + "\n" : Self.text(explanation))
        if explanation.reasons.contains(where: { $0.code == "unknown" }) { throw ExitCode(1) }
    }

    private static func text(_ explanation: Explanation) -> String {
        var head = "\(explanation.task ?? "task")[\(explanation.taskID)]: \(explanation.state)"
        if let queue = explanation.queue { head += ", queue \(queue)" }
        let lines = explanation.reasons.map { reason in
            let facts = reason.facts.map { "\($0.key): \($0.value.string ?? JSONWriter.string($0.value))" }
            return "  \(reason.text)" + (facts.isEmpty ? "" : " (\(facts.joined(separator: ", ")))")
        }
        return ReplyText.safe(([head] + lines).joined(separator: "\n")) + "\n"
    }

    private static func json(_ explanation: Explanation) -> JSONValue {
        [
            "task_id": .string(explanation.taskID), "state": .string(explanation.state.rawValue),
            "task": explanation.task.map(JSONValue.string) ?? .null,
            "queue": explanation.queue.map(JSONValue.string) ?? .null, "finished": .bool(explanation.isFinished),
            "reasons": .array(
                explanation.reasons.map { reason in
                    ["code": .string(reason.code), "text": .string(reason.text), "facts": .object(reason.facts)]
                }
            ),
        ]
    }
}
