import ArgumentParser
import WorkerCommandLine

/// `celeriac up`: a worker with everything it needs, in one command.
struct UpCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "up",
        abstract: "Run a worker on an embedded default: a private Redis, demo data, mail and SMS to files.",
        discussion: """
            Where no broker is configured, a private redis-server is started on the loopback, with append-only \
            persistence in the data folder, and ended with this command. With --demo one of each of the nine shipped \
            tasks is sent as a Celery message and shown while it runs.
            """
    )

    @ParentCommand var global: CeleriacCommand
    @Option(name: .long, help: "The folder for all that is written; by default the data_folder of the configuration.")
    var data: String?
    @Option(name: .long, help: "The port of the private Redis; another one when it is taken.")
    var port: UInt16 = 6390
    @Option(name: [.customShort("s"), .long], help: "The schedule to send; beat.yaml of this folder, if there is one.")
    var schedule: String?
    @Flag(name: .long, help: "Send one of each of the nine tasks and show their progress.")
    var demo = false
    @Flag(name: .long, help: "End when the demo's tasks have ended: code 0 when all succeeded.")
    var once = false
    @Option(name: [.short, .long], help: "DEBUG, INFO, WARNING, ERROR or CRITICAL.")
    var loglevel = "WARNING"

    mutating func run() async throws {
        guard let level = LogLevel.named(loglevel.uppercased()) else {
            throw Complaint("--loglevel: \(loglevel) is no log level; known are \(LogLevel.names)", code: .usage)
        }
        let program = UpProgram(
            global: global,
            dataFolder: data,
            port: port,
            showsDemo: demo || once,
            endsAfterDemo: once,
            level: level,
            schedulePath: schedule
        )
        let code = try await program.run()
        guard code == 0 else { throw ExitCode(code) }
    }
}
