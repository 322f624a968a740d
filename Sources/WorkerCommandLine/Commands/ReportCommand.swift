import ArgumentParser
import CeleriacTasks
import Settings

/// `celeriac report`: what is configured; with `--check`, only whether it is right.
struct ReportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract: "Say what is configured, or check a configuration file."
    )

    @ParentCommand var global: CeleriacCommand
    @Flag(name: .long, help: "Check the file and start nothing; code 2 when something is wrong.")
    var check = false
    @Argument(help: "The file to check; the configured one by default.")
    var file: String?

    mutating func run() async throws {
        var chosen = global
        if let file { chosen.config = file }
        let configuration = try ConfigurationSource(global: chosen).load(check ? .making : .options)
        guard !check else {
            let name = configuration.file ?? "the defaults"
            print("\(name): good (\(configuration.tasks.count) tasks, \(configuration.queues.count) queues)")
            return
        }
        print("\(Program.current.name) \(Program.version)")
        print(configuration.description)
        print("handlers:")
        let registry = Program.current.registry
        for name in registry.names { print("  \(name)  \(registry[name]?.summary ?? "")") }
    }
}
