import ArgumentParser
import CeleriacTasks
import CeleryMessage
import Logging
import Settings
import Synchronization

/// `celeriac run`: runs a task once, here and now, without a broker.
struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Run a task once in the foreground and print its result as JSON."
    )

    @ParentCommand var global: CeleriacCommand
    @Argument(help: "The task's name on the wire, or a handler's name.")
    var task: String
    @Option(name: [.short, .long], help: "Positional arguments as a JSON list.")
    var args = "[]"
    @Option(name: [.short, .long], help: "Keyword arguments as a JSON object.")
    var kwargs = "{}"
    @Option(name: [.short, .long], help: "DEBUG, INFO, WARNING or ERROR.")
    var loglevel = "INFO"

    mutating func run() async throws {
        let configuration = try ConfigurationSource(global: global).load()
        let level = LogLevel.named(loglevel.uppercased()) ?? .info
        let file = try LogFile(path: nil)
        let logger = Logger(label: "celeriac") { _ in CeleryLogHandler(format: .text, level: level, file: file) }
        let handler = try handler(configuration, logger)
        let headers = TaskHeaders(task: task, id: Identifier.uuid())
        let reporter = TerminalReporter()
        let context = TaskContext(
            request: TaskRequest(headers: headers, queue: "", hostname: "celeriac@\(Environment.hostname)"),
            logger: logger,
            reporter: reporter
        )
        let outcome = await HandlerRun.outcome(
            of: handler,
            args: Array(args.utf8),
            kwargs: Array(kwargs.utf8),
            context: context
        )
        await handler.shutdown()
        try show(outcome)
        for signature in reporter.enqueued {
            Terminal.error("would send \(signature.task) with \(JSONWriter.string(signature.json))")
        }
    }

    private func handler(_ configuration: CeleriacConfiguration, _ logger: Logger) throws -> any TaskHandler {
        let settings = configuration.task(named: task)
        guard let factory = Program.current.registry[settings?.handler ?? task] else {
            throw Complaint("There is no task or handler named \(task).", code: .usage)
        }
        do {
            return try factory.make(
                HandlerSetup(
                    taskName: task,
                    options: settings?.options ?? [:],
                    baseFolder: configuration.baseFolder,
                    logger: logger
                )
            )
        } catch {
            throw Complaint("\(task): \(error)", code: .usage)
        }
    }

    private func show(_ outcome: HandlerOutcome) throws {
        switch outcome {
        case .success(let result):
            let value = try JSONReader.value(result)
            print(JSONWriter.pretty(value))
        case .failure(let failure, _): throw Complaint("\(failure)")
        case .retry(let retry, _):
            throw Complaint("asked for a retry" + (retry.cause.map { ": \($0)" } ?? ""))
        case .ignore: Terminal.error("ignored")
        case .reject(let reject): throw Complaint("rejected: \(reject.reason)")
        case .cancelled(let reason): throw Complaint("cancelled: \(reason.rawValue)")
        case .replace(let signature): Terminal.error("replaced by \(signature.task)")
        }
    }
}

/// Shows states on standard error as they come.
final class TerminalReporter: TaskReporter {
    private let state = Mutex<[Signature]>([])

    var enqueued: [Signature] { state.withLock { $0 } }

    func update(state name: String, meta: JSONValue) {
        let current = meta["current"]?.int.map(String.init) ?? "?"
        let total = meta["total"]?.int.map(String.init) ?? "?"
        Terminal.error("\(name) \(current)/\(total) \(meta["status"]?.string ?? "")")
    }

    func enqueue(_ signature: Signature) { state.withLock { $0.append(signature) } }
}
