public import CeleriacTasks
import Settings
import WorkerCommandLine

/// A program with a worker's whole command line and tasks of one's own.
///
/// ```swift
/// @main
/// enum OwnWorker {
///     static func main() async { await CeleriacWorker(tasks: [add, greet]).main() }
/// }
/// ```
///
/// The executable takes the options and sub-commands of `celeriac` (`worker`, `call`, `inspect`, …) and is its own pool
/// process. It needs no `tasks.yaml`: the broker comes from `--broker`, `CELERY_BROKER_URL` or `REDIS_URL`. Where there is
/// a `tasks.yaml`, its block for a task beats the task's options in code, and needs no `handler:`.
public struct CeleriacWorker: Sendable {
    private let program: Program

    /// A worker program.
    ///
    /// - Parameters:
    ///   - name: the program's name in help and usage.
    ///   - tasks: the tasks defined in code; no two of one name.
    ///   - handlers: handlers for the tasks of `tasks.yaml`, which name them under `handler:`.
    public init(name: String = "celeriac", tasks: [any TaskDeclaration], handlers: [HandlerFactory] = []) {
        precondition(Set(tasks.map(\.name)).count == tasks.count, "two tasks have the same name")
        var program = Program(name: name, registry: HandlerRegistry(handlers + tasks.map(\.factory)))
        program.tasks = tasks.map(\.settings)
        self.program = program
    }

    /// Runs what the command line says and ends the process with the exit code that belongs to it.
    ///
    /// Call it first in `main`: as a pool process it has to be ready in milliseconds.
    public func main() async -> Never { await program.main() }
}

extension TaskDeclaration {
    /// The handler under the task's own name.
    fileprivate var factory: HandlerFactory {
        let handler = handler
        var factory = HandlerFactory(name: name, summary: summary) { setup in
            // Options of a block would change nothing, so nobody is left to believe they do.
            if let key = setup.options.values.keys.first {
                throw setup.options.error(key, "the task is defined in code and takes no options")
            }
            return handler
        }
        factory.takesFailureDetails = options.takesFailureDetails
        return factory
    }

    /// The task as a block of the file would have it.
    fileprivate var settings: TaskSettings {
        var settings = TaskSettings(name: name, handler: name)
        settings.queue = options.queue
        settings.pool = options.pool
        settings.policy = options.attributes
        return settings
    }
}
