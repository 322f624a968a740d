import ArgumentParser
import WorkerRuntime

/// `celeriac inspect`: asks workers about themselves.
struct InspectCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Ask workers about themselves; --list names the questions."
    )

    @ParentCommand var global: CeleriacCommand
    @OptionGroup var options: RemoteOptions
    @Flag(name: .long, help: "List the commands.")
    var list = false
    @Argument(help: "What to ask, and its arguments.")
    var words: [String] = []

    mutating func run() async throws {
        guard !list else { return Terminal.out(RemoteCall.list(.inspect)) }
        guard let name = words.first else { throw Complaint("Error: Missing argument 'COMMAND'.", code: .usage) }
        let command = try RemoteCall.command(name, .inspect)
        let arguments = try RemoteCall.arguments(command, Array(words.dropFirst()))
        let call = RemoteCall(global: global, options: options)
        call.sayCount(try await call.run(command, arguments, showsData: true))
    }
}
