package import ArgumentParser
public import CeleriacTasks
import Glibc
import WorkerCommandLine

/// The program `celeriac-beat`: a scheduler's whole command line.
public struct BeatProgram: Sendable {
    /// The first word of a process that `-D` started.
    static let detachedWord = "__detached"
    /// The program whose command is running; ArgumentParser makes commands from nothing, so they find it here.
    @TaskLocal static var current = BeatProgram(registry: HandlerRegistry())
    /// Whether this process is the one that `-D` started.
    var isDetached = false

    /// The name in help and usage.
    public var name: String
    /// The handlers that a schedule with `mode: local` can run.
    public var registry: HandlerRegistry

    /// A program with these handlers.
    public init(name: String = "celeriac-beat", registry: HandlerRegistry) {
        self.name = name
        self.registry = registry
    }

    /// Runs what the command line says and ends the process with the exit code that belongs to it.
    public func main() async -> Never {
        signal(SIGPIPE, SIG_IGN)
        var words = Array(CommandLine.arguments.dropFirst())
        var program = self
        program.isDetached = words.first == Self.detachedWord
        if program.isDetached { words.removeFirst() }
        // What the wiring shares with the worker's programs asks for the handlers there.
        let shared = Program(name: name, registry: registry)
        let code = await Program.$current.withValue(shared) {
            await Self.$current.withValue(program) { await Self.run(words) }
        }
        exit(code)
    }

    private static func run(_ words: [String]) async -> Int32 {
        do {
            var command = try BeatCommand.parseAsRoot(words)
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
            return 0
        } catch {
            return Complaint.report(error, of: BeatCommand.self)
        }
    }
}

/// `celeriac-beat`: without a sub-command it sends what is due.
package struct BeatCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: BeatProgram.current.name,
        abstract: "Send tasks when they are due; any number of these may share a schedule.",
        version: Program.version,
        subcommands: [RunCommand.self, PlanCommand.self, StatusCommand.self],
        defaultSubcommand: RunCommand.self
    )

    package init() {}
}
