import ArgumentParser
import CeleryMessage
import RedisInspection
import WorkerCommandLine

/// `celeriac doctor`: what is wrong with a deployment.
struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Look for what is wrong with a deployment, Celeriac's or Celery's own.",
        discussion: """
            Changes nothing. Workers' clocks are compared with Redis' by the heartbeats they send, which takes seconds at most. Code 0 where nothing is wrong, 1 where something is (with --strict also for warnings), 69 where Redis \
            does not answer.
            """
    )

    @ParentCommand var global: CeleriacCommand
    @Flag(name: [.short, .long], help: "Print JSON.")
    var json = false
    @Flag(name: .long, help: "Take warnings for errors.")
    var strict = false

    @Option(
        name: [.short, .long],
        help: "How many seconds to wait for the workers' heartbeats; 0 compares no clocks of workers."
    )
    var timeout: Double = 5

    mutating func validate() throws {
        guard (0...600).contains(timeout) else { throw ValidationError("--timeout takes seconds from 0 to 600.") }
    }

    mutating func run() async throws {
        let patience = Duration.seconds(timeout)
        let findings = try await Examination.run(global) { try await $0.doctor(patience: patience).examine() }
        if json {
            Terminal.out(JSONWriter.string(.array(findings.map(\.json))) + "\n")
        } else {
            for finding in findings.sorted(by: { $0.level > $1.level }) {
                Terminal.out(ReplyText.safe("\(finding.level.rawValue.uppercased())  \(finding.text)") + "\n")
            }
        }
        let worst = findings.map(\.level).max() ?? .ok
        if worst == .error || strict && worst == .warning { throw ExitCode(1) }
    }
}
