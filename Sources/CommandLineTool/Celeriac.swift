import ShippedHandlers
import WorkerCommandLine

/// The program `celeriac`: the worker's command line with the shipped handlers, `up`, `explain` and `doctor`.
@main
enum Celeriac {
    static func main() async {
        var program = Program(registry: ShippedHandlers.registry)
        program.shippedConfiguration = { String(decoding: PackageResources.tasks_yaml, as: UTF8.self) }
        program.addedCommands = { [UpCommand.self, ExplainCommand.self, DoctorCommand.self] }
        await program.main()
    }
}
