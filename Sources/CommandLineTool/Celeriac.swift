import ArgumentParser
import CeleriacTasks
import Glibc
import WorkerPool

/// The program `celeriac`: pool processes first, because they have to be ready in milliseconds, then the command line.
@main
enum Celeriac {
    /// The word after which this executable is a pool process; the controller starts itself again with it.
    static let poolProcessArgument = "__pool-process"
    /// The version in the banner and in `--version`.
    static let version = "0.1.0"

    static func main() async {
        signal(SIGPIPE, SIG_IGN)
        if CommandLine.arguments.dropFirst().first == poolProcessArgument {
            exit(await PoolChild.run(registry: Handlers.registry))
        }
        let line = CommandLineWords(CommandLine.arguments.dropFirst(), environment: Environment.all)
        do {
            try line.refuseMisplacedApp()
            var command = try CeleriacCommand.parseAsRoot(line.words)
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch {
            exit(Complaint.report(error))
        }
    }
}
