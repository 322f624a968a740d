import CeleriacTasks
import CeleryMessage
import Logging
import Synchronization

/// Where the side messages of runs go: to the controller, over a socket or within the process.
protocol RunSink: Sendable {
    /// Passes on a state; states of one run that follow each other closely may be merged into the last.
    func state(_ frame: StateFrame)
    /// Passes on a logged line.
    func log(_ record: PoolLogRecord)
}

/// The handlers of one process: made on first use, kept, and run.
final class HandlerHost: Sendable {
    private typealias Made = Result<any TaskHandler, TaskFailure>

    private let registry: HandlerRegistry
    private let setup: PoolSetup
    private let bindings: [String: PoolSetup.Binding]
    private let processName: String
    private let processID: Int32
    private let sink: any RunSink
    private let handlers = Mutex<[String: Made]>([:])

    init(registry: HandlerRegistry, setup: PoolSetup, processName: String, processID: Int32, sink: any RunSink) {
        self.registry = registry
        self.setup = setup
        self.processName = processName
        self.processID = processID
        self.sink = sink
        bindings = Dictionary(setup.tasks.map { ($0.task, $0) }, uniquingKeysWith: { _, last in last })
    }

    /// Runs a task with its handler and says how it ended.
    func run(_ task: PoolTask, cancellation: TaskCancellation) async -> HandlerReport {
        let reporter = RunReporter(job: task.job, sink: sink)
        var request = task.request
        if request.hostname.isEmpty { request.hostname = setup.hostname }
        switch handler(for: request.task) {
        case .failure(let failure):
            return HandlerReport(
                outcome: .failure(failure, traceback: HandlerRun.traceback(failure, task: request.task))
            )
        case .success(let handler):
            let context = TaskContext(
                request: request,
                logger: logger(label: "celeriac.task", run: task),
                cancellation: cancellation,
                reporter: reporter
            )
            let outcome = await HandlerRun.outcome(
                of: handler,
                args: request.args,
                kwargs: request.kwargs,
                context: context
            )
            let gathered = reporter.end()
            return HandlerReport(
                outcome: outcome,
                enqueued: gathered.enqueued,
                chordAdditions: gathered.chordAdditions
            )
        }
    }

    /// Tells every handler that was made that its process stops.
    func shutdown() async {
        let made = handlers.withLock { handlers in
            defer { handlers = [:] }
            return handlers.values.compactMap { try? $0.get() }
        }
        for handler in made { await handler.shutdown() }
    }

    /// A logger for code of this process, within a run or outside of any.
    func logger(label: String, run: PoolTask? = nil) -> Logger {
        Logger(label: label) { label in
            PoolLogHandler(
                label: label,
                level: setup.logLevel,
                job: run?.job,
                taskID: run?.request.id,
                taskName: run?.request.task,
                processName: processName,
                processID: processID,
                sink: sink
            )
        }
    }

    // Made under the lock: two first runs of a task at once must not make, and then drop, a second handler with all
    // the connections it may hold.
    private func handler(for task: String) -> Made {
        handlers.withLock { handlers in
            if let made = handlers[task] { return made }
            let made = make(task)
            handlers[task] = made
            return made
        }
    }

    private func make(_ task: String) -> Made {
        guard let binding = bindings[task] else {
            if let builtin = BuiltinTask(rawValue: task) {
                // The host outlives its handlers; a strong reference would keep both.
                return .success(
                    BuiltinHandler(task: builtin) { [weak self] name in
                        self?.handler(for: name) ?? .failure(.runtimeError("the process stops"))
                    }
                )
            }
            return .failure(
                TaskFailure(module: "celery.exceptions", type: "NotRegistered", arguments: [.string(task)])
            )
        }
        guard let factory = registry[binding.handler] else {
            return .failure(Self.improperlyConfigured("task \(task): unknown handler \(binding.handler)"))
        }
        let setup = HandlerSetup(
            taskName: task,
            options: binding.options,
            baseFolder: binding.baseFolder,
            logger: logger(label: "celeriac.handler.\(binding.handler)")
        )
        do {
            return .success(try factory.make(setup))
        } catch {
            return .failure(Self.improperlyConfigured("task \(task), handler \(binding.handler): \(error)"))
        }
    }

    private static func improperlyConfigured(_ message: String) -> TaskFailure {
        TaskFailure(module: "celery.exceptions", type: "ImproperlyConfigured", arguments: [.string(message)])
    }
}

/// Gathers what a run wants published with its end, and passes on its states until then.
private final class RunReporter: TaskReporter {
    private struct State {
        var enqueued: [Signature] = []
        var chordAdditions: [Signature] = []
        var ended = false
    }

    private let job: UInt64
    private let sink: any RunSink
    private let state = Mutex(State())

    init(job: UInt64, sink: any RunSink) {
        self.job = job
        self.sink = sink
    }

    // A child task that outlives its handler may still report; nothing may follow a run's end.
    func update(state name: String, meta: JSONValue) {
        guard !state.withLock({ $0.ended }) else { return }
        sink.state(StateFrame(job: job, state: name, meta: JSONWriter.bytes(meta)))
    }

    func enqueue(_ signature: Signature) {
        state.withLock { if !$0.ended { $0.enqueued.append(signature) } }
    }

    func addToChord(_ signature: Signature) {
        state.withLock { if !$0.ended { $0.chordAdditions.append(signature) } }
    }

    func end() -> (enqueued: [Signature], chordAdditions: [Signature]) {
        state.withLock { state in
            state.ended = true
            return (state.enqueued, state.chordAdditions)
        }
    }
}
