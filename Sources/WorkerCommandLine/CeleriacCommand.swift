package import ArgumentParser

/// The options that stand before the sub-command, as `celery` has them.
package struct CeleriacCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: Program.current.name,
        abstract: "A task runner that speaks the Celery protocol.",
        version: Program.version,
        subcommands: [
            WorkerCommand.self, CallCommand.self, ResultCommand.self, RunCommand.self, ReportCommand.self,
            PurgeCommand.self, InspectCommand.self, RemoteControlCommand.self, StatusCommand.self, EventsCommand.self,
            ListCommand.self,
        ] + Program.current.addedCommands()
    )

    @Option(name: .long, help: "The configuration file (default: tasks.yaml, if there is one).")
    var config: String?

    @Option(name: [.customShort("b"), .long], help: "The broker's URL.")
    var broker: String?

    @Option(name: .long, help: "The result backend's URL.")
    var resultBackend: String?

    @Option(name: [.customShort("A"), .long], help: "Accepted for Celery's sake; there is no Python application.")
    var app: String?

    @Option(name: .long, help: "The folder to work in; CELERY_WORKDIR says the same.")
    var workdir: String?

    @Flag(name: [.customShort("C"), .long], help: "Accepted for Celery's sake; nothing is coloured.")
    var noColor = false

    @Flag(name: [.short, .long], help: "No banner and no notes.")
    var quiet = false

    @Flag(name: .long, help: "Accepted for Celery's sake.")
    var skipChecks = false

    @Option(name: .long, help: "Accepted for Celery's sake.")
    var loader: String?

    package init() {}
}
