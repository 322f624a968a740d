import CeleriacTasks
import CeleryMessage
import Glibc
import Logging
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import WorkerPool

/// A pool on an event loop, with everything it said, for tests to wait on.
final class PoolProbe: Sendable {
    private struct Waiter {
        var condition: @Sendable ([PoolEvent]) -> Bool
        var continuation: CheckedContinuation<Bool, Never>
    }

    private struct State {
        var events: [PoolEvent] = []
        var times: [ContinuousClock.Instant] = []
        var waiters: [Int: Waiter] = [:]
        var nextWaiter = 0
    }

    private let state = Mutex(State())
    let loop: any EventLoop = MultiThreadedEventLoopGroup.singleton.next()

    /// Everything the pool said so far.
    var events: [PoolEvent] { state.withLock { $0.events } }

    /// When the first event for which `matches` holds came.
    func time(of matches: (PoolEvent) -> Bool) -> ContinuousClock.Instant? {
        state.withLock { state in state.events.firstIndex(where: matches).map { state.times[$0] } }
    }

    func receive(_ events: [PoolEvent]) {
        let met = state.withLock { state -> [CheckedContinuation<Bool, Never>] in
            state.events += events
            state.times += repeatElement(ContinuousClock.now, count: events.count)
            let met = state.waiters.filter { $0.value.condition(state.events) }
            for key in met.keys { state.waiters[key] = nil }
            return met.values.map(\.continuation)
        }
        for continuation in met { continuation.resume(returning: true) }
    }

    /// Waits until `condition` holds of all events; false after a generous time.
    func wait(_ condition: @escaping @Sendable ([PoolEvent]) -> Bool) async -> Bool {
        await withCheckedContinuation { continuation in
            let key = state.withLock { state -> Int? in
                if condition(state.events) { return nil }
                state.nextWaiter += 1
                state.waiters[state.nextWaiter] = Waiter(condition: condition, continuation: continuation)
                return state.nextWaiter
            }
            guard let key else { return continuation.resume(returning: true) }
            loop.scheduleTask(in: .seconds(30)) {
                self.state.withLock { $0.waiters.removeValue(forKey: key) }?.continuation.resume(returning: false)
            }
        }
    }

    /// Waits until each of these jobs has ended, and returns the end of each.
    @discardableResult
    func ends(_ jobs: [UInt64], sourceLocation: SourceLocation = #_sourceLocation) async -> [UInt64: PoolEvent] {
        let wanted = Set(jobs)
        let met = await wait { events in
            wanted.isSubset(of: events.compactMap(\.ended))
        }
        #expect(
            met,
            "waited in vain for \(wanted.subtracting(events.compactMap(\.ended)))",
            sourceLocation: sourceLocation
        )
        var ends: [UInt64: PoolEvent] = [:]
        for event in events {
            guard let job = event.ended else { continue }
            // Whatever happens, a job ends once, unless it was given out again.
            if let first = ends[job], first.returnedJob == nil {
                Issue.record("job \(job) ended twice: \(first), \(event)", sourceLocation: sourceLocation)
            }
            ends[job] = event
        }
        return ends
    }

    /// Waits until these jobs have reported a state, so that their handlers surely run.
    func reported(_ jobs: [UInt64], sourceLocation: SourceLocation = #_sourceLocation) async {
        let wanted = Set(jobs)
        let met = await wait { wanted.isSubset(of: $0.compactMap(\.stateJob)) }
        #expect(met, "waited in vain for a state", sourceLocation: sourceLocation)
    }

    /// Waits until these jobs have begun.
    func begun(_ jobs: [UInt64], sourceLocation: SourceLocation = #_sourceLocation) async {
        let wanted = Set(jobs)
        let met = await wait { wanted.isSubset(of: $0.compactMap(\.startedJob)) }
        #expect(met, "waited in vain for a start", sourceLocation: sourceLocation)
    }
}

extension PoolEvent {
    /// The job that ends with this event.
    var ended: UInt64? {
        switch self {
        case .finished(let job, _, _), .timeLimitExceeded(let job, _), .lost(let job, _), .returned(let job): job
        case .started, .state, .log, .capacityChanged: nil
        }
    }

    var startedJob: UInt64? { if case .started(let job, _) = self { job } else { nil } }
    var stateJob: UInt64? { if case .state(let job, _, _) = self { job } else { nil } }
    var startedProcess: Int32? { if case .started(_, let process) = self { process } else { nil } }
    var returnedJob: UInt64? { if case .returned(let job) = self { job } else { nil } }
    var lostExit: ProcessExit? { if case .lost(_, let exit) = self { exit } else { nil } }
    var isTimeLimit: Bool { if case .timeLimitExceeded = self { true } else { false } }
    var record: PoolLogRecord? { if case .log(let record) = self { record } else { nil } }

    /// The result of a successful end.
    var result: JSONValue? {
        guard case .finished(_, let report, _) = self, case .success(let bytes) = report.outcome else { return nil }
        return try? JSONReader.value(bytes)
    }

    /// The failure of a failed end.
    var failure: TaskFailure? {
        guard case .finished(_, let report, _) = self, case .failure(let failure, _) = report.outcome else {
            return nil
        }
        return failure
    }
}

/// The program that tests start as pool processes, beside the test runner.
enum TestProgram {
    static let path: String = {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &buffer, buffer.count)
        let own = String(decoding: buffer.prefix(max(0, count)).map(UInt8.init(bitPattern:)), as: UTF8.self)
        return own.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
            + "/PoolTestChild"
    }()

    static let setup = PoolSetup(
        tasks: HandlerNames.all.map { .init(task: $0, handler: $0) } + [
            .init(task: "answer", handler: "options", options: ["answer": "42"]),
            .init(task: "unanswered", handler: "options"),
            .init(task: "nobody", handler: "no.such.handler"),
        ],
        logLevel: .info,
        hostname: "celery@test"
    )
}

/// The handlers of the test program that are bound under their own names.
enum HandlerNames {
    static let all = [
        "noop", "echo", "sleep", "spin", "clean", "stuck", "hold", "crash", "trap", "exit", "hangup", "leak",
        "progress", "log", "fail",
        "retry", "ignore", "reject", "enqueue", "big", "grandchild", "descriptors",
    ]
}

/// A run of a task of the test program.
func run(
    _ job: UInt64,
    _ task: String,
    _ args: JSONValue...,
    kwargs: JSONObject = [:],
    soft: Double? = nil,
    hard: Double? = nil,
    change: (inout TaskMessage) -> Void = { _ in }
) -> PoolTask {
    var message = TaskMessage(
        headers: TaskHeaders(task: task, id: "id-\(job)"),
        properties: MessageProperties(routingKey: ""),
        payload: TaskPayload(args: JSONWriter.bytes(.array(args)), kwargs: JSONWriter.bytes(.object(kwargs)))
    )
    change(&message)
    return PoolTask(
        job: job,
        request: TaskRequest(
            received: ReceivedMessage(message),
            queue: "q",
            hostname: "celery@test",
            softTimeLimit: soft,
            timeLimit: hard
        )
    )
}

/// Whether a process exists, zombies included.
func exists(_ process: Int32) -> Bool { kill(process, 0) == 0 || errno == EPERM }

/// Whether a process has ended: gone, or a zombie that its parent has not collected.
func hasEnded(_ process: Int32) -> Bool {
    guard exists(process) else { return true }
    let descriptor = open("/proc/\(process)/stat", O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return true }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: 512)
    let count = read(descriptor, &bytes, bytes.count)
    let text = String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    return text.split(separator: ")").last.map { $0.hasPrefix(" Z") || $0.hasPrefix(" X") } ?? true
}

/// Waits until a process has ended; the system signals the end of a process that is not a child to nobody.
func waitForEnd(of process: Int32, sourceLocation: SourceLocation = #_sourceLocation) async {
    let end = ContinuousClock.now + .seconds(20)
    while !hasEnded(process), ContinuousClock.now < end { await Task.yield() }
    #expect(hasEnded(process), "process \(process) lives on", sourceLocation: sourceLocation)
}
