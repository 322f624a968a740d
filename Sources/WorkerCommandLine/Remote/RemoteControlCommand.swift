import ArgumentParser
import WorkerRuntime

/// `celeriac control`: tells workers to do something.
struct RemoteControlCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "control",
        abstract: "Tell workers to do something; --list names what."
    )

    @ParentCommand var global: CeleriacCommand
    @OptionGroup var options: RemoteOptions
    @Flag(name: .long, help: "List the commands.")
    var list = false
    @Argument(help: "What to do, and its arguments.")
    var words: [String] = []

    mutating func run() async throws {
        guard !list else { return Terminal.out(RemoteCall.list(.control)) }
        guard let name = words.first else { throw Complaint("Error: Missing argument 'COMMAND'.", code: .usage) }
        let command = try RemoteCall.command(name, .control)
        let arguments = try RemoteCall.arguments(command, Array(words.dropFirst()))
        _ = try await RemoteCall(global: global, options: options).run(command, arguments, showsData: true)
    }
}
