import CeleriacTasks
import CeleryMessage
package import Inspection
package import Logging
package import NIOCore
import Synchronization
import WorkerPool

/// Runs tasks in pool processes of a worker's program, a few at a time: what the gateway does where no queue can be reached.
///
/// The processes are started by the first run and ended when there was nothing to do for a while. A run ends by itself, at
/// its hard limit, or with ``stop()``; whoever waits for it may go.
package final class PoolTaskRunner: Sendable {
    private typealias Waiter = CheckedContinuation<RunOutcome, any Error>

    /// A run and those who wait for it.
    private struct Run {
        var task: PoolTask
        /// The id under which others join; `nil` where nobody does.
        var sharedID: String?
        var waiters: [Waiter] = []
        /// The processes it was given to.
        var pool: ProcessPool?
        /// How often it came back without having begun.
        var returns = 0
    }

    private struct State {
        var pool: ProcessPool?
        var runs: [UInt64: Run] = [:]
        var jobOfID: [String: UInt64] = [:]
        var lastJob: UInt64 = 0
        /// Counts the times at which there was nothing to do.
        var idleTimes = 0
        var isStopping = false
        var configuration: RunnerConfiguration
        /// Processes that finish what they have and take no more, each under a number.
        var retired: [Int: ProcessPool] = [:]
        var retirements = 0
    }

    /// A run that never begins in so many processes is given up.
    private static let mostReturns = 3

    private let eventLoop: any EventLoop
    private let logger: Logger
    private let state: Mutex<State>

    /// A runner that starts nothing yet.
    package init(configuration: RunnerConfiguration, eventLoop: any EventLoop, logger: Logger) {
        state = Mutex(State(configuration: configuration))
        self.eventLoop = eventLoop
        self.logger = logger
    }

    /// Has the runs from now on go by another configuration; those that have begun end as they are.
    ///
    /// Processes that are no longer what is wanted take no more, and others are started.
    package func change(to configuration: RunnerConfiguration) {
        let retired: (number: Int, pool: ProcessPool)? = state.withLock { state in
            let isSame = state.configuration.hasSameProcesses(as: configuration)
            state.configuration = configuration
            guard !isSame, let pool = state.pool.take() else { return nil }
            state.retirements += 1
            state.retired[state.retirements] = pool
            return (state.retirements, pool)
        }
        guard let retired else { return }
        // Outlives the caller: nobody waits for the old processes but those whose tasks run in them.
        Task {
            await retired.pool.stop(killAfter: nil)
            state.withLock { $0.retired[retired.number] = nil }
        }
    }

    private var configuration: RunnerConfiguration { state.withLock { $0.configuration } }

    /// How many runs there are, those that wait among them.
    package var count: Int { state.withLock { $0.runs.count } }

    /// Whether processes have been started and not been ended.
    package var hasProcesses: Bool { state.withLock { $0.pool != nil } }

    // MARK: Running

    private func submit(_ request: Inspection.TaskRequest, _ waiter: Waiter) {
        let refusal: InspectionError? = state.withLock { state in
            guard !state.isStopping else { return InspectionError(.unavailable, "the gateway is stopping") }
            // As in a queue: whoever names an id twice gets the task once.
            let sharedID = request.uniqueFor == nil ? nil : request.id
            if let job = sharedID.flatMap({ state.jobOfID[$0] }) {
                state.runs[job]?.waiters.append(waiter)
                return nil
            }
            guard state.runs.count < state.configuration.processes + state.configuration.waiting else {
                return InspectionError(.busy, "\(state.runs.count) tasks run or wait here already")
            }
            state.lastJob += 1
            let task = PoolTask(job: state.lastJob, request: Self.poolRequest(request, state.configuration))
            state.runs[task.job] = Run(task: task, sharedID: sharedID, waiters: [waiter])
            if let sharedID { state.jobOfID[sharedID] = task.job }
            give(task, &state)
            return nil
        }
        if let refusal { waiter.resume(throwing: refusal) }
    }

    private static func poolRequest(
        _ request: Inspection.TaskRequest,
        _ configuration: RunnerConfiguration
    ) -> CeleriacTasks.TaskRequest {
        let policy = configuration.policy(request.task, request.queue)
        var headers = TaskHeaders(task: request.task, id: request.id)
        headers.origin = "celeriac-gateway"
        return CeleriacTasks.TaskRequest(
            received: ReceivedMessage(
                headers: headers,
                args: JSONWriter.bytes(.array(request.args)),
                kwargs: JSONWriter.bytes(.object(request.kwargs))
            ),
            queue: request.queue,
            hostname: configuration.setup.hostname,
            softTimeLimit: policy.softTimeLimit,
            timeLimit: policy.timeLimit,
            maxRetries: 0
        )
    }

    private func give(_ task: PoolTask, _ state: inout State) {
        let pool = pool(&state)
        state.runs[task.job]?.pool = pool
        eventLoop.execute { pool.submit([task]) }
    }

    /// The pool, started when there was none.
    private func pool(_ state: inout State) -> ProcessPool {
        if let pool = state.pool { return pool }
        let configuration = state.configuration
        let pool = ProcessPool(
            configuration: PoolConfiguration(
                name: "sync",
                processes: configuration.processes,
                executable: configuration.program,
                arguments: configuration.arguments,
                setup: configuration.setup,
                lookahead: .zero
            ),
            eventLoop: eventLoop,
            logger: logger,
            onEvents: { [weak self] events in for event in events { self?.receive(event) } }
        )
        state.pool = pool
        // Outlives the request that was the first: others wait for the same processes.
        Task {
            do {
                try await pool.start()
            } catch let error as PoolError where error.code == .stopped {
                // Some of its processes were there before others: what runs ends, and what has not begun comes back.
            } catch {
                logger.error("Tasks cannot run here: \(error)")
                giveUp(pool, error)
            }
        }
        return pool
    }

    /// Answers everybody when the processes do not start; the next run tries anew.
    private func giveUp(_ pool: ProcessPool, _ error: any Error) {
        let runs = state.withLock { state in
            if state.pool === pool { state.pool = nil }
            let lost = state.runs.filter { $0.value.pool === pool }
            for (job, run) in lost {
                state.runs[job] = nil
                if let id = run.sharedID { state.jobOfID[id] = nil }
            }
            return Array(lost.values)
        }
        for run in runs { end(run, .failure(InspectionError(.unavailable, "\(error)"))) }
    }

    // MARK: What the pool tells

    private func receive(_ event: PoolEvent) {
        switch event {
        case .finished(let job, let report, _): finish(job, Self.outcome(report, configuration))
        case .timeLimitExceeded(let job, let seconds):
            finish(job, .failed("TimeLimitExceeded", String(describing: seconds)))
        case .lost(let job, let exit):
            finish(job, .failed("WorkerLostError", "Worker exited prematurely: \(exit)."))
        case .returned(let job): again(job)
        case .log(let record): record.write(to: logger)
        case .started, .state, .capacityChanged: break
        }
    }

    private static func outcome(_ report: HandlerReport, _ configuration: RunnerConfiguration) -> RunOutcome {
        switch report.outcome {
        case .success(let result):
            guard result.count <= configuration.resultBytes else {
                return .failed("ValueError", "The result has more than \(configuration.resultBytes) bytes.")
            }
            guard let value = try? JSONReader.value(result) else {  // a helper in another language may send anything
                return .failed("ValueError", "The result is no JSON.")
            }
            return .success(value, unsent: report.enqueued.map(\.task))
        case .failure(let failure, _): return .failed(failure.type, failure.message)
        case .retry(let retry, _):
            guard let cause = retry.cause else {
                return .failed("Retry", "The task asked for another run, which there is not without queues.")
            }
            return .failed(cause.type, cause.message)
        case .ignore: return .success(.null, unsent: report.enqueued.map(\.task))
        case .reject(let reject): return .failed("Reject", reject.reason)
        case .cancelled(let reason): return .failed("TaskRevokedError", reason.rawValue)
        case .replace(let signature):
            return .failed("RuntimeError", "The task was replaced by \(signature.task), which needs a queue.")
        }
    }

    private func finish(_ job: UInt64, _ outcome: RunOutcome) {
        guard let run = take(job) else { return }
        logger.info("Task \(run.task.request.task)[\(run.task.request.id)] ran here")
        end(run, .success(outcome))
    }

    /// Gives a run that has not begun to another process.
    private func again(_ job: UInt64) {
        let isOver = state.withLock { state in
            guard var run = state.runs[job] else { return false }
            // A pool that was told to take no more is no sign of a task that cannot begin.
            if run.pool === state.pool { run.returns += 1 }
            state.runs[job] = run
            guard !state.isStopping, run.returns < Self.mostReturns else { return true }
            give(run.task, &state)
            return false
        }
        guard isOver, let run = take(job) else { return }
        end(run, .failure(InspectionError(.unavailable, "the task did not begin")))
    }

    private func end(_ run: Run, _ result: Result<RunOutcome, any Error>) {
        for waiter in run.waiters { waiter.resume(with: result) }
    }

    // MARK: Ending

    /// Takes a run out, and starts to wait for the time after which idle processes end.
    private func take(_ job: UInt64) -> Run? {
        let (run, idle): (Run?, Int?) = state.withLock { state in
            guard let run = state.runs.removeValue(forKey: job) else { return (nil, nil) }
            if let id = run.sharedID { state.jobOfID[id] = nil }
            guard state.runs.isEmpty else { return (run, nil) }
            state.idleTimes += 1
            return (run, state.idleTimes)
        }
        if let idle {
            eventLoop.scheduleTask(in: TimeAmount(configuration.idleTime)) { self.endIdle(idle) }
        }
        return run
    }

    private func endIdle(_ idleTime: Int) {
        let pool: ProcessPool? = state.withLock { state in
            guard state.idleTimes == idleTime, state.runs.isEmpty, !state.isStopping else { return nil }
            return state.pool.take()
        }
        guard let pool else { return }
        logger.debug("the processes for tasks without queues have nothing to do and are ended")
        // Nobody waits for them.
        Task { await pool.stop(killAfter: .seconds(5)) }
    }

    /// Takes no more runs and waits for those there are; once its task is cancelled, it kills them.
    package func stop() async {
        let pools = state.withLock { state in
            state.isStopping = true
            return Array(state.retired.values) + [state.pool].compactMap(\.self)
        }
        await withTaskCancellationHandler {
            for pool in pools { await pool.stop(killAfter: nil) }
        } onCancel: {
            // There is no other way to wait for the end of a cancelled task.
            Task { for pool in pools { await pool.stop(killAfter: .zero) } }
        }
    }
}

extension PoolTaskRunner: TaskRunning {
    package func allows(_ task: String, from queue: String) -> Bool { configuration.policy(task, queue).isAllowed }

    package func run(_ request: Inspection.TaskRequest) async throws -> RunOutcome {
        try await withCheckedThrowingContinuation { submit(request, $0) }
    }
}

extension RunOutcome {
    fileprivate static func failed(_ type: String, _ message: String) -> RunOutcome {
        .failure(type: type, message: message)
    }
}
