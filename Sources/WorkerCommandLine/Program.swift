package import ArgumentParser
public import CeleriacTasks
import Glibc
package import Settings
import WorkerPool

/// A program with a worker's whole command line: its name, the handlers it has, and what it adds to the commands.
///
/// The same executable is its own pool process, which the controller starts with ``poolProcessArgument``.
public struct Program: Sendable {
    /// The version in the banner and in `--version`.
    package static let version = "0.1.0"
    /// The word after which an executable is a pool process; the controller starts itself again with it.
    package static let poolProcessArgument = "__pool-process"
    /// The program whose command is running.
    ///
    /// ArgumentParser makes commands from nothing, so they find it here.
    @TaskLocal package static var current = Program(registry: HandlerRegistry())
    /// Whether this process is the one that `-D` started.
    var isDetached = false

    /// The name in help and usage.
    public var name: String
    /// Every handler the program has.
    public var registry: HandlerRegistry
    /// Tasks defined in code: they need no block in tasks.yaml, and what stands there beats what is said here.
    package var tasks: [TaskSettings] = []
    /// The configuration that serves a command which asks for it where the working folder has no tasks.yaml.
    package var shippedConfiguration: (@Sendable () -> String)?
    /// Commands beside those that every worker program has.
    package var addedCommands: @Sendable () -> [any ParsableCommand.Type] = { [] }

    /// A program with these handlers.
    public init(name: String = "celeriac", registry: HandlerRegistry) {
        self.name = name
        self.registry = registry
    }

    /// Runs what the command line says and ends the process with the exit code that belongs to it.
    public func main() async -> Never {
        signal(SIGPIPE, SIG_IGN)
        // First of all, because a pool process has to be ready in milliseconds.
        if CommandLine.arguments.dropFirst().first == Self.poolProcessArgument {
            exit(await PoolChild.run(registry: registry))
        }
        let line = CommandLineWords(CommandLine.arguments.dropFirst(), environment: Environment.all)
        var program = self
        program.isDetached = line.isDetached
        exit(await Self.$current.withValue(program) { await Self.run(line) })
    }

    private static func run(_ line: CommandLineWords) async -> Int32 {
        do {
            try line.refuseUnknownCommand(known: CeleriacCommand.configuration.subcommands)
            try line.refuseMisplacedApp()
            try line.enterFolder()
            var command = try CeleriacCommand.parseAsRoot(line.words)
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
            return 0
        } catch {
            return Complaint.report(error, of: CeleriacCommand.self)
        }
    }
}
