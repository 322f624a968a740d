import CeleryMessage
import Foundation
import Inspection
import Logging
import NIOCore
import NIOPosix
import Testing
import WorkerPool

@testable import SynchronousRuns

/// A runner whose processes are the pools' test program.
private func runner(
    program: String = testProgram,
    _ change: (inout RunnerConfiguration) -> Void = { _ in }
) -> PoolTaskRunner {
    let names = ["echo", "sleep", "spin", "fail", "crash", "retry", "ignore", "reject", "enqueue", "until"]
    var logger = Logger(label: "test")
    logger.logLevel = .critical
    var configuration = RunnerConfiguration(
        program: program,
        arguments: ["serve"],
        setup: PoolSetup(tasks: names.map { .init(task: $0, handler: $0) })
    ) { task, _ in .init(isAllowed: task != "fail", softTimeLimit: nil, timeLimit: task == "spin" ? 0.3 : 60) }
    change(&configuration)
    return PoolTaskRunner(
        configuration: configuration,
        eventLoop: MultiThreadedEventLoopGroup.singleton.next(),
        logger: logger
    )
}

private let testProgram: String = {
    let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
    return URL(fileURLWithPath: own).deletingLastPathComponent().appendingPathComponent("PoolTestChild").path
}()

private func request(_ task: String, _ args: JSONValue..., id: String? = nil) -> TaskRequest {
    var request = TaskRequest(task: task, queue: "quick")
    request.args = args
    if let id {
        request.id = id
        request.uniqueFor = .seconds(60)
    }
    return request
}

/// What the task `until` waits for.
private final class GoAhead: Sendable {
    private let path = FileManager.default.temporaryDirectory.appendingPathComponent("go-\(UUID().uuidString)").path

    deinit { for file in [path, path + ".begun"] { try? FileManager.default.removeItem(atPath: file) } }

    /// A run that ends once it is told to, with the process that it was in.
    func request(id: String? = nil) -> TaskRequest { SynchronousRunsTests.request("until", .string(path), id: id) }

    /// Waits until a handler has begun to wait.
    func isAwaited() async throws {
        while !FileManager.default.fileExists(atPath: path + ".begun") { try await Task.sleep(for: .milliseconds(1)) }
    }

    func give() { #expect(FileManager.default.createFile(atPath: path, contents: nil)) }
}

private func value(_ outcome: RunOutcome) -> JSONValue? {
    guard case .success(let value, _) = outcome else { return nil }
    return value
}

@Suite(.timeLimit(.minutes(1))) struct `Running tasks without queues` {
    @Test func `gives a task its arguments, queue and id, in a process of its own`() async throws {
        let runner = runner()
        #expect(!runner.hasProcesses)
        let request = request("echo", 1, "ü")
        let echoed = try #require(value(try await runner.run(request)))
        #expect(echoed["args"] == [1, "ü"] && echoed["kwargs"] == [:])
        #expect(echoed["id"] == .string(request.id) && echoed["queue"] == "quick")
        #expect(echoed["pid"] != .int(Int64(getpid())))
        #expect(runner.hasProcesses && runner.count == 0)
        #expect(runner.allows("echo", from: "quick") && !runner.allows("fail", from: "quick"))
        await runner.stop()
    }

    @Test(arguments: [
        ("fail", RunOutcome.failure(type: "ValueError", message: "bad")),
        ("retry", .failure(type: "RuntimeError", message: "try again")), ("ignore", .success(.null, unsent: [])),
        ("reject", .failure(type: "Reject", message: "not now")), ("enqueue", .success(.null, unsent: ["next"])),
        ("nobody", .failure(type: "NotRegistered", message: "nobody")),
    ])
    func `names its end`(task: String, outcome: RunOutcome) async throws {
        let runner = runner()
        #expect(try await runner.run(request(task, "bad")) == outcome)
        await runner.stop()
    }

    @Test func `kills what ignores its hard limit, and goes on`() async throws {
        let runner = runner()
        #expect(try await runner.run(request("spin", 1000)) == .failure(type: "TimeLimitExceeded", message: "0.3"))
        #expect(value(try await runner.run(request("echo"))) != nil)
        await runner.stop()
    }

    @Test func `a crash ends its task alone`() async throws {
        let runner = runner()
        async let other = runner.run(request("sleep", 0.3))
        guard case .failure(let type, let message) = try await runner.run(request("crash")) else {
            Issue.record("a crash is no success")
            return
        }
        #expect(type == "WorkerLostError" && message.hasPrefix("Worker exited prematurely: signal"))
        #expect(value(try await other) == "slept")
        #expect(value(try await runner.run(request("echo"))) != nil)
        await runner.stop()
    }

    @Test func `of one id at once is one run`() async throws {
        let runner = runner()
        let go = GoAhead()
        let running = (0..<5).map { _ in
            Task.immediate { value(try await runner.run(go.request(id: "same"))) }
        }
        #expect(runner.count == 1)
        go.give()
        let first = try #require(try await running[0].value)
        for run in running { #expect(try await run.value == first) }
        await runner.stop()
    }

    @Test func `takes so many and no more`() async throws {
        let runner = runner {
            $0.processes = 1
            $0.waiting = 1
        }
        let go = GoAhead()
        let running = (0..<2).map { _ in Task.immediate { value(try await runner.run(go.request())) } }
        #expect(runner.count == 2)
        await #expect(throws: InspectionError(.busy, "")) { try await runner.run(request("echo")) }
        go.give()
        for run in running { #expect(try await run.value != nil) }
        await runner.stop()
    }

    @Test func `bounds results`() async throws {
        let runner = runner { $0.resultBytes = 1024 }
        let outcome = try await runner.run(request("echo", .string(String(repeating: "x", count: 2000))))
        #expect(outcome == .failure(type: "ValueError", message: "The result has more than 1024 bytes."))
        await runner.stop()
    }

    @Test func `ends its processes when there is nothing to do, and starts others`() async throws {
        let runner = runner { $0.idleTime = .milliseconds(50) }
        let first = value(try await runner.run(request("echo")))?["pid"]
        while runner.hasProcesses { try await Task.sleep(for: .milliseconds(5)) }
        let second = value(try await runner.run(request("echo")))?["pid"]
        #expect(first != second && second != nil)
        await runner.stop()
    }

    @Test func `goes by another configuration from the next run on, and lets what runs end`() async throws {
        let runner = runner { $0.processes = 1 }
        let before = try #require(value(try await runner.run(request("echo")))?["pid"])
        let go = GoAhead()
        let running = Task.immediate { value(try await runner.run(go.request())) }
        #expect(runner.count == 1)
        // What has not begun is given to the others.
        try await go.isAwaited()
        runner.change(
            to: RunnerConfiguration(
                program: testProgram,
                arguments: ["serve"],
                setup: PoolSetup(tasks: [.init(task: "renamed", handler: "echo")])
            ) { task, _ in .init(isAllowed: task == "renamed") }
        )
        #expect(!runner.allows("echo", from: "quick") && runner.allows("renamed", from: "quick"))
        let after = try #require(value(try await runner.run(request("renamed")))?["pid"])
        #expect(after != before)
        #expect(runner.count == 1)
        go.give()
        #expect(try await running.value?["pid"] == before)
        await runner.stop()
    }

    /// Processes start one after the other on a machine that has much to do.
    @Test(arguments: [false, true])
    func `lets what runs end while other processes still start`(isChanged: Bool) async throws {
        let turns = FileManager.default.temporaryDirectory.appendingPathComponent("turns-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: turns) }
        let firstOfTwo = "mkdir '\(turns)' || exec sleep 1000; exec '\(testProgram)' serve"
        let runner = runner(program: "/bin/sh") { $0.arguments = ["-c", firstOfTwo] }
        // One process is ready after this; the other never is.
        let ready = try #require(value(try await runner.run(request("echo")))?["pid"])
        let go = GoAhead()
        let running = Task.immediate { value(try await runner.run(go.request())) }
        #expect(runner.count == 1)
        try await go.isAwaited()
        let stopping = Task.immediate {
            guard isChanged else { return await runner.stop() }
            let setup = PoolSetup(tasks: [.init(task: "echo", handler: "echo")])
            runner.change(
                to: RunnerConfiguration(program: testProgram, arguments: ["serve"], setup: setup) { _, _ in
                    .init(isAllowed: true)
                }
            )
        }
        go.give()
        await stopping.value
        #expect(try await running.value?["pid"] == ready)
        await runner.stop()
    }

    @Test func `forgets nobody who waits for processes that do not start, when others take their place`() async throws {
        // The process is there and never ready.
        let runner = runner(program: "/bin/sh") {
            $0.processes = 1
            $0.arguments = ["-c", "exec sleep 1000"]
        }
        let waiting = Task.immediate { value(try await runner.run(request("echo"))) }
        #expect(runner.count == 1)
        runner.change(
            to: RunnerConfiguration(
                program: testProgram,
                arguments: ["serve"],
                setup: PoolSetup(tasks: [.init(task: "echo", handler: "echo")])
            ) { _, _ in .init(isAllowed: true) }
        )
        #expect(try await waiting.value?["queue"] == "quick")
        await runner.stop()
    }

    @Test func `says that it cannot where the program does not start`() async throws {
        let runner = runner(program: "/nowhere/celeriac")
        await #expect(throws: InspectionError(.unavailable, "")) { try await runner.run(request("echo")) }
        await runner.stop()
    }

    @Test func `lets what runs end, and takes nothing more`() async throws {
        let runner = runner { $0.processes = 1 }
        let ready = try #require(value(try await runner.run(request("echo")))?["pid"])
        let go = GoAhead()
        let running = Task.immediate { value(try await runner.run(go.request())) }
        #expect(runner.count == 1)
        // What has not begun is given back.
        try await go.isAwaited()
        let stopping = Task.immediate { await runner.stop() }
        await #expect(throws: InspectionError(.unavailable, "")) { try await runner.run(request("echo")) }
        go.give()
        await stopping.value
        #expect(try await running.value?["pid"] == ready)
        await #expect(throws: InspectionError(.unavailable, "")) { try await runner.run(request("echo")) }
    }

    @Test func `kills what runs when there is no time left`() async throws {
        let runner = runner { $0.processes = 1 }
        _ = try await runner.run(request("echo"))
        let go = GoAhead()
        let running = Task.immediate { try await runner.run(go.request()) }
        try await go.isAwaited()
        let stopping = Task { await runner.stop() }
        stopping.cancel()
        await stopping.value
        guard case .failure("WorkerLostError", _) = try await running.value else {
            Issue.record("a killed task is no success")
            return
        }
    }
}
