import CeleriacTasks
import CeleryMessage
import Glibc
import Logging
import NIOCore
import Testing

@testable import WorkerPool

@Suite(.timeLimit(.minutes(2))) struct ProcessPoolTests {
    /// Starts a pool of the test program, runs `body`, stops the pool and checks that nothing is left of it.
    private func withPool(
        processes: Int = 1,
        slots: Int = 1,
        mode: String = "serve",
        _ change: (inout PoolConfiguration) -> Void = { _ in },
        _ body: (ProcessPool, PoolProbe) async throws -> Void
    ) async throws {
        let probe = PoolProbe()
        var configuration = PoolConfiguration(
            name: "test",
            processes: processes,
            slots: slots,
            executable: TestProgram.path,
            arguments: [mode],
            setup: TestProgram.setup
        )
        change(&configuration)
        var logger = Logger(label: "pool") { _ in SwiftLogNoOpLogHandler() }
        logger.logLevel = .critical
        let pool = ProcessPool(
            configuration: configuration,
            eventLoop: probe.loop,
            logger: logger,
            onEvents: probe.receive
        )
        try await pool.start()
        var seen = Set(try await processIDs(pool, probe))
        do {
            try await body(pool, probe)
        } catch {
            await pool.stop(killAfter: .zero)
            throw error
        }
        seen.formUnion(try await processIDs(pool, probe))
        seen.formUnion(probe.events.compactMap(\.startedProcess))
        await pool.stop(killAfter: .seconds(5))
        for process in seen { #expect(!exists(process), "process \(process) is left") }
        let leftovers = try await probe.loop.submit {
            pool.members.count + pool.jobs.count + pool.backlog.count + pool.deadlines.count
        }.get()
        #expect(leftovers == 0)
    }

    private func processIDs(_ pool: ProcessPool, _ probe: PoolProbe) async throws -> [Int32] {
        try await probe.loop.submit { pool.processes.map(\.processID) }.get()
    }

    /// Waits until something is so of the pool whose change an event follows.
    private func settles(
        _ probe: PoolProbe,
        sourceLocation: SourceLocation = #_sourceLocation,
        when isSo: @escaping @Sendable () -> Bool
    ) async throws {
        while true {
            // What changes after the first look is seen by the next one.
            let seen = probe.events.count
            if try await probe.loop.submit(isSo).get() { return }
            let changed = await probe.wait { $0.count > seen }
            try #require(changed, "waited in vain for the pool", sourceLocation: sourceLocation)
        }
    }

    private func submit(_ pool: ProcessPool, _ probe: PoolProbe, _ tasks: [PoolTask]) async throws {
        try await probe.loop.submit { pool.submit(tasks) }.get()
    }

    /// Feeds a pool as the engine does: as many as it says it takes, whenever something ends, and what comes back again.
    ///
    /// - Parameter after: Called between rounds with the number of runs that have finished.
    private func runAll(
        _ pool: ProcessPool,
        _ probe: PoolProbe,
        _ tasks: [PoolTask],
        after: (Int) async throws -> Void = { _ in }
    ) async throws {
        let byJob = Dictionary(uniqueKeysWithValues: tasks.map { ($0.job, $0) })
        var waiting = tasks[...]
        var seen = probe.events.count
        var finished = 0
        while finished < tasks.count {
            let free = try await probe.loop.submit { pool.free }.get()
            try await submit(pool, probe, Array(waiting.prefix(free)))
            waiting = waiting.dropFirst(free)
            let before = seen
            // Ends and new capacity both make room.
            guard await probe.wait({ $0.count > before }) else { break }
            let events = probe.events.dropFirst(seen)
            seen += events.count
            // On a busy machine a run may seem long, and those behind it come back.
            let again = events.filter { $0.returnedJob != nil || $0.lostExit != nil }.compactMap(\.ended)
            finished += events.count { $0.ended != nil } - again.count
            waiting += again.compactMap { byJob[$0] }
            try await after(finished)
        }
        #expect(finished == tasks.count)
    }

    /// Runs a task alone until the pool knows it as so short that it takes `free` of them, and returns the next job.
    private func learn(
        _ pool: ProcessPool,
        _ probe: PoolProbe,
        _ task: String,
        free: Int
    ) async throws -> UInt64 {
        for job in 1...500 as ClosedRange<UInt64> {
            if try await probe.loop.submit({ pool.free }).get() >= free { return job }
            try await submit(pool, probe, [run(job, task)])
            await probe.ends([job])
        }
        Issue.record("the pool never learns that \(task) is short")
        return 501
    }

    // MARK: Runs

    @Test func `runs a task with its request and returns the result`() async throws {
        try await withPool { pool, probe in
            let task = run(1, "echo", 1, "ğ", kwargs: ["k": 1.5]) { message in
                message.headers.retries = 2
                message.headers.extra = ["tenant": "t1"]
            }
            try await submit(pool, probe, [task])
            let result = await probe.ends([1])[1]?.result
            #expect(result?["args"] == [1, "ğ"])
            #expect(result?["kwargs"] == ["k": 1.5])
            #expect(result?["id"] == "id-1")
            #expect(result?["queue"] == "q")
            #expect(result?["hostname"] == "celery@test")
            #expect(result?["retries"] == 2)
            #expect(result?["extra"] == ["tenant": "t1"])
            #expect(result?["pid"]?.int != Int64(getpid()))
            #expect(probe.events.compactMap(\.startedProcess).map(Int64.init) == [result?["pid"]?.int])
        }
    }

    @Test func `carries every way a handler can end`() async throws {
        try await withPool { pool, probe in
            let names = ["fail", "retry", "ignore", "reject", "enqueue", "unanswered", "nobody", "unbound", "answer"]
            try await submit(pool, probe, names.enumerated().map { run(UInt64($0.offset + 1), $0.element) })
            let ends = await probe.ends((1...9).map(UInt64.init))
            #expect(ends[1]?.failure?.type == "ValueError")
            guard case .finished(_, let retry, _) = ends[2], case .retry(let asked, _) = retry.outcome else {
                Issue.record("no retry: \(String(describing: ends[2]))")
                return
            }
            #expect(asked.countdown == 1.5)
            #expect(asked.maxRetries == 7)
            #expect(asked.cause?.message == "try again")
            guard case .finished(_, let ignored, _) = ends[3], case .ignore = ignored.outcome else {
                Issue.record("not ignored")
                return
            }
            guard case .finished(_, let rejected, _) = ends[4], case .reject(let reject) = rejected.outcome else {
                Issue.record("not rejected")
                return
            }
            #expect(reject == TaskReject(reason: "not now", requeue: true))
            guard case .finished(_, let report, _) = ends[5] else {
                Issue.record("not finished")
                return
            }
            #expect(report.enqueued == [Signature(task: "next", args: [1, "two"], options: ["queue": "other"])])
            #expect(ends[6]?.failure?.type == "ImproperlyConfigured")
            #expect(ends[6]?.failure?.message.contains("options.answer") == true)
            #expect(ends[7]?.failure?.message.contains("no.such.handler") == true)
            #expect(ends[8]?.failure?.type == "NotRegistered")
            #expect(ends[9]?.result == "42")
        }
    }

    @Test func `passes wrong arguments back as the failure of that task`() async throws {
        try await withPool { pool, probe in
            let task = run(1, "echo") { $0.payload.args = Array("[1, ".utf8) }
            try await submit(pool, probe, [task, run(2, "noop")])
            let ends = await probe.ends([1, 2])
            #expect(ends[1]?.failure != nil)
            #expect(ends[2]?.result == .null)
        }
    }

    @Test func `runs many short tasks through two processes, each once and in order`() async throws {
        try await withPool(processes: 2) { pool, probe in
            let count: UInt64 = 5000
            try await runAll(pool, probe, (1...count).map { run($0, "noop") })
            let jobs = (1...count).map { $0 }
            let ends = await probe.ends(jobs)
            #expect(ends.values.allSatisfy { $0.result == .null })
            #expect(Set(probe.events.compactMap(\.startedProcess)).count == 2)
            // Without the ones that came back, each process runs in the order of the jobs.
            let again = Set(probe.events.compactMap(\.returnedJob))
            var ofProcess: [Int32: [UInt64]] = [:]
            for case .started(let job, let process) in probe.events where !again.contains(job) {
                ofProcess[process, default: []].append(job)
            }
            for jobs in ofProcess.values { #expect(jobs == jobs.sorted()) }
        }
    }

    @Test func `queues ahead only what is known to be short`() async throws {
        try await withPool { pool, probe in
            let (before, busy) = try await probe.loop.submit {
                let before = pool.free
                pool.submit([run(1000, "noop")])
                return (before, pool.free)
            }.get()
            #expect(before == 1)
            #expect(busy == 0)
            await probe.ends([1000])
            _ = try await learn(pool, probe, "noop", free: 12)
        }
    }

    @Test func `keeps more than it can run and starts it in order`() async throws {
        try await withPool { pool, probe in
            try await submit(pool, probe, (1...5).map { run(UInt64($0), "sleep", 0.05) })
            await probe.ends([1, 2, 3, 4, 5])
            #expect(probe.events.compactMap(\.startedJob) == [1, 2, 3, 4, 5])
        }
    }

    @Test func `runs as many at a time as a process has slots`() async throws {
        try await withPool(slots: 50) { pool, probe in
            let begin = ContinuousClock.now
            let free = try await probe.loop.submit {
                pool.submit((1...50).map { run(UInt64($0), "sleep", 0.5) })
                return pool.free
            }.get()
            #expect(free == 0)
            await probe.ends((1...50).map(UInt64.init))
            #expect(ContinuousClock.now - begin < .seconds(10))
            #expect(Set(probe.events.compactMap(\.startedProcess)).count == 1)
        }
    }

    @Test func `carries large arguments and results, and refuses larger ones as that task's failure`() async throws {
        try await withPool({ $0.frameLimit = 1 << 20 }) { pool, probe in
            let text = String(repeating: "y", count: 750_000)
            try await submit(
                pool,
                probe,
                [
                    run(1, "echo", .string(text)), run(2, "big", 750_000), run(3, "big", 1_250_000),
                    run(4, "echo", .string(String(repeating: "z", count: 1_250_000))), run(5, "noop"),
                ]
            )
            let ends = await probe.ends([1, 2, 3, 4, 5])
            #expect(ends[1]?.result?["args"]?.array?.first?.string == text)
            #expect(ends[2]?.result?.string?.utf8.count == 750_000)
            #expect(ends[3]?.failure?.type == "ValueError")
            #expect(ends[4]?.failure?.type == "ValueError")
            #expect(ends[5]?.result == .null)
        }
    }

    @Test func `reports states, the last of them surely, and none after the end`() async throws {
        try await withPool { pool, probe in
            try await submit(pool, probe, [run(1, "progress", 5000, 0.2)])
            await probe.ends([1])
            var metas: [JSONValue] = []
            for event in probe.events {
                if case .state(let job, let state, let meta) = event {
                    #expect(job == 1)
                    #expect(state == "PROGRESS")
                    metas.append(try JSONReader.value(meta))
                }
            }
            #expect(metas.first?["current"] == 1)
            #expect(metas.last?["current"] == 5000)
            #expect(metas.count < 5000)
        }
    }

    @Test func `brings log lines with the task they belong to`() async throws {
        try await withPool { pool, probe in
            try await submit(pool, probe, [run(1, "log")])
            await probe.ends([1])
            let records = probe.events.compactMap(\.record)
            #expect(records.map(\.message) == ["a line"])
            let record = try #require(records.first)
            #expect(record.level == .info)
            #expect(record.taskID == "id-1")
            #expect(record.taskName == "log")
            #expect(record.processName == "test-1")
            #expect(record.processID == probe.events.compactMap(\.startedProcess).first)
            #expect(record.metadata["number"] == "7")
            #expect(record.metadata["nested"] == ["a", "b"])
        }
    }

    @Test func `gives a process no descriptors but its own`() async throws {
        let descriptor = open("/dev/null", O_RDONLY)
        defer { close(descriptor) }
        try await withPool { pool, probe in
            try await submit(pool, probe, [run(1, "descriptors")])
            let open = await probe.ends([1])[1]?.result?.array?.compactMap(\.int) ?? []
            #expect(open.starts(with: [0, 1, 2, 3]))
            // Beyond those: the wake-up pipe and what the runtime opens for itself.
            #expect(!open.contains(Int64(descriptor)) || open.count < 12)
            #expect(open.count < 12)
        }
    }

    // MARK: Limits

    @Test func `cancels a run at its soft limit, and the run may return a value`() async throws {
        try await withPool { pool, probe in
            try await submit(
                pool,
                probe,
                [run(1, "clean", soft: 0.05), run(2, "sleep", 60, soft: 0.05), run(3, "noop")]
            )
            let ends = await probe.ends([1, 2, 3])
            #expect(ends[1]?.result == "cleaned up after softTimeLimit")
            #expect(ends[2]?.failure?.type == "SoftTimeLimitExceeded")
            #expect(ends[3]?.result == .null)
            #expect(Set(probe.events.compactMap(\.startedProcess)).count == 1)
        }
    }

    @Test(arguments: [0.005, 0.1]) func `ends a run that spins at its hard limit and replaces its process`(
        _ limit: Double
    ) async throws {
        try await withPool { pool, probe in
            let submitted = ContinuousClock.now
            try await submit(pool, probe, [run(1, "spin", 1000, hard: limit), run(2, "noop")])
            let ends = await probe.ends([1])
            let begun = try #require(probe.time { $0.startedJob == 1 })
            let ended = try #require(probe.time { $0.ended == 1 })
            let took = ended - begun
            guard case .timeLimitExceeded(_, limit)? = ends[1] else {
                Issue.record("not ended by its limit: \(String(describing: ends[1]))")
                return
            }
            // Counted from before the run: the news of its begin may arrive late.
            #expect(ended - submitted >= .seconds(limit))
            // A machine at rest takes a millisecond more than the limit.
            #expect(took < .seconds(limit) + .seconds(3))
            #expect(await probe.ends([2])[2]?.result == .null)
            let processes = probe.events.compactMap(\.startedProcess)
            #expect(Set(processes).count == 2)
            await waitForEnd(of: processes[0])
        }
    }

    @Test func `lets the neighbours of a run finish that is ended at its hard limit`() async throws {
        try await withPool(slots: 2) { pool, probe in
            try await submit(pool, probe, [run(1, "spin", 1000, hard: 0.1), run(2, "sleep", 0.6)])
            await probe.ends([1])
            // The replacement takes work while the neighbour still runs.
            try await submit(pool, probe, [run(3, "noop")])
            let ends = await probe.ends([1, 2, 3])
            #expect(ends[1]?.isTimeLimit == true)
            #expect(ends[2]?.result == "slept")
            #expect(ends[3]?.result == .null)
            let processes = probe.events.compactMap(\.startedProcess)
            #expect(processes[0] == processes[1])
            #expect(processes[2] != processes[0])
            await waitForEnd(of: processes[0])
        }
    }

    @Test func `gives back what waits behind a run that takes long`() async throws {
        try await withPool(processes: 1) { pool, probe in
            let held = try await learn(pool, probe, "hold", free: 6)
            // Known as short, but this one is not.
            let waiting = (held + 1)...(held + 4)
            try await submit(pool, probe, [run(held, "hold", true)] + waiting.map { run($0, "hold") })
            let ends = await probe.ends(Array(waiting))
            #expect(waiting.allSatisfy { ends[$0]?.returnedJob == $0 })
            #expect(!probe.events.contains { $0.ended == held })
            #expect(try await probe.loop.submit { pool.free }.get() == 0)
            try await probe.loop.submit { pool.cancel(job: held, reason: .revoked) }.get()
            await probe.ends([held])
        }
    }

    // MARK: Cancellation

    @Test func `cancels a run, and returns one that has not started`() async throws {
        try await withPool { pool, probe in
            try await submit(pool, probe, [run(1, "clean"), run(2, "noop")])
            await probe.reported([1])
            try await probe.loop.submit {
                pool.cancel(job: 2, reason: .revoked)
                pool.cancel(job: 1, reason: .shutdown)
                pool.cancel(job: 99, reason: .revoked)
            }.get()
            let ends = await probe.ends([1, 2])
            #expect(ends[1]?.result == "cleaned up after shutdown")
            #expect(ends[2]?.returnedJob == 2)
        }
    }

    @Test func `goes on with other runs after a cancelled one`() async throws {
        try await withPool { pool, probe in
            try await submit(pool, probe, [run(1, "hold", true)])
            await probe.reported([1])
            try await probe.loop.submit { pool.cancel(job: 1, reason: .revoked) }.get()
            await probe.ends([1])
            try await runAll(pool, probe, (2...20).map { run(UInt64($0), "sleep", 0.001) })
            let ends = await probe.ends((1...20).map(UInt64.init))
            guard case .finished(_, let report, _)? = ends[1], case .cancelled(.revoked) = report.outcome else {
                Issue.record("not cancelled: \(String(describing: ends[1]))")
                return
            }
            #expect((2...20).allSatisfy { ends[UInt64($0)]?.result == "slept" })
            #expect(Set(probe.events.compactMap(\.startedProcess)).count == 1)
        }
    }

    @Test func `terminates a run that does not give way`() async throws {
        try await withPool { pool, probe in
            try await submit(pool, probe, [run(1, "stuck"), run(2, "noop")])
            await probe.reported([1])
            try await probe.loop.submit { pool.terminate(job: 1) }.get()
            let ends = await probe.ends([1, 2])
            #expect(ends[1]?.lostExit == .terminated)
            #expect(ends[2]?.result == .null)
        }
    }

    // MARK: Deaths

    @Test(arguments: [("crash", ProcessExit.signal(6)), ("trap", .signal(4)), ("exit", .code(3))])
    func `reports the end of a process, and only the run in it is lost`(_ task: String, _ exit: ProcessExit)
        async throws
    {
        try await withPool(processes: 2) { pool, probe in
            let bad = task == "crash" ? run(1, task, 6) : run(1, task, 3)
            try await submit(pool, probe, [bad, run(2, "sleep", 0.3)])
            let ends = await probe.ends([1, 2])
            #expect(ends[1]?.lostExit == exit)
            #expect(ends[2]?.result == "slept")
            try await submit(pool, probe, [run(3, "noop"), run(4, "sleep", 0.05)])
            let later = await probe.ends([3, 4])
            #expect(later[3]?.result == .null)
            #expect(later[4]?.result == "slept")
        }
    }

    @Test func `tells after a crash which of the runs queued in the process had begun`() async throws {
        try await withPool { pool, probe in
            _ = try await learn(pool, probe, "noop", free: 6)
            // The one that crashes goes first, so it has begun; those behind it are known as short and wait in the
            // same process.
            try await submit(pool, probe, [run(1000, "crash", 9)] + (1001...1004).map { run(UInt64($0), "noop") })
            let ends = await probe.ends((1000...1004).map(UInt64.init))
            #expect(ends[1000]?.lostExit == .signal(9))
            for job in 1001...1004 as ClosedRange<UInt64> {
                // Given back because it waited there, or run by the next process because it waited here.
                #expect(ends[job]?.returnedJob == job || ends[job]?.result == .null)
            }
        }
    }

    @Test func `loses and repeats no run while its processes are killed again and again`() async throws {
        try await withPool(processes: 2) { pool, probe in
            var kills = 0
            let tasks = (1...4000).map { run(UInt64($0), "echo") }
            try await runAll(pool, probe, tasks) { finished in
                guard finished >= kills * 100 else { return }
                kills += 1
                if let victim = try await processIDs(pool, probe).randomElement() { kill(victim, SIGKILL) }
            }
            #expect(kills > 20)
            // What was returned had not run: every process that answered for a job is the one that finished it.
            var finished: Set<UInt64> = []
            for case .finished(let job, _, _) in probe.events {
                #expect(finished.insert(job).inserted, "job \(job) finished twice")
            }
            #expect(finished.count == 4000)
        }
    }

    @Test func `notices a process that closes its socket and lives on`() async throws {
        try await withPool { pool, probe in
            try await submit(pool, probe, [run(1, "hangup")])
            #expect(await probe.ends([1])[1]?.lostExit == .signal(9))
            try await submit(pool, probe, [run(2, "noop")])
            #expect(await probe.ends([2])[2]?.result == .null)
        }
    }

    @Test func `ends what a handler started together with its process`() async throws {
        try await withPool { pool, probe in
            try await submit(pool, probe, [run(1, "grandchild"), run(2, "crash", 11)])
            let ends = await probe.ends([1, 2])
            let grandchild = try #require(ends[1]?.result?.int)
            await waitForEnd(of: Int32(grandchild))
        }
    }

    @Test func `leaves no process behind when the controller is killed`() async throws {
        var fds: [Int32] = [-1, -1]
        #expect(pipe(&fds) == 0)
        defer { close(fds[0]) }
        var start = ProcessStart(executable: TestProgram.path, words: [TestProgram.path, "controller"])
        start.descriptors = [fds[1]]
        let controller = try start.run()
        close(fds[1])

        var text = ""
        var byte: UInt8 = 0
        while read(fds[0], &byte, 1) == 1, byte != 10 { text.unicodeScalars.append(Unicode.Scalar(byte)) }
        let children = text.split(separator: " ").compactMap { Int32($0) }
        #expect(children.count == 2)
        for child in children { #expect(!hasEnded(child)) }
        kill(controller, SIGKILL)
        for child in children { await waitForEnd(of: child) }
        var status: Int32 = 0
        waitpid(controller, &status, 0)
    }

    // MARK: Processes that are no good

    @Test(arguments: ["garbage", "huge", "old", "exit"])
    func `refuses to start with a program that is no pool process`(_ mode: String) async throws {
        let error = await #expect(throws: PoolError.self) {
            try await withPool(mode: mode) { _, _ in }
        }
        #expect(error?.code == .start)
    }

    @Test func `refuses to start with a program that says nothing`() async throws {
        let error = await #expect(throws: PoolError.self) {
            try await withPool(mode: "mute", { $0.startTimeout = .milliseconds(50) }) { _, _ in }
        }
        #expect(error?.code == .start)
    }

    @Test func `refuses to start a program that is not there`() async throws {
        let error = await #expect(throws: PoolError.self) {
            try await withPool({ $0.executable = "/nonexistent/program" }) { _, _ in }
        }
        #expect(error?.code == .spawn)
        #expect(error?.message.contains("/nonexistent/program") == true)
    }

    // MARK: Replacement and size

    @Test func `replaces a process after its share of runs`() async throws {
        try await withPool(processes: 2, { $0.maxTasksPerChild = 3 }) { pool, probe in
            try await runAll(pool, probe, (1...20).map { run(UInt64($0), "echo") })
            let ends = await probe.ends((1...20).map(UInt64.init))
            let byProcess = Dictionary(grouping: ends.values.compactMap { $0.result?["pid"]?.int }, by: \.self)
            #expect(byProcess.values.allSatisfy { $0.count <= 3 })
            #expect(byProcess.values.map(\.count).reduce(0, +) == 20)
        }
    }

    @Test func `replaces a process that has grown too large`() async throws {
        try await withPool({ $0.maxMemoryPerChild = 150 << 10 }) { pool, probe in
            try await submit(pool, probe, [run(1, "echo"), run(2, "leak", 200)])
            let first = await probe.ends([1, 2])[1]?.result?["pid"]
            let old = try #require(first?.int)
            await waitForEnd(of: Int32(old))
            try await submit(pool, probe, [run(3, "echo")])
            let second = await probe.ends([3])[3]?.result?["pid"]
            #expect(second?.int != old)
        }
    }

    @Test func `recycles processes without losing or interrupting a run`() async throws {
        try await withPool(processes: 2) { pool, probe in
            try await submit(pool, probe, [run(1, "sleep", 0.3), run(2, "echo")])
            await probe.ends([2])
            let old = try await processIDs(pool, probe)
            try await probe.loop.submit { pool.recycle() }.get()
            #expect(await probe.ends([1])[1]?.result == "slept")
            for process in old { await waitForEnd(of: process) }
            try await submit(pool, probe, [run(3, "echo"), run(4, "echo")])
            let ends = await probe.ends([3, 4])
            for job in [3, 4] as [UInt64] {
                let process = ends[job]?.result?["pid"]?.int ?? 0
                #expect(!old.contains(Int32(process)))
            }
            // One that has ended counts until the pool has collected it.
            try await settles(probe) { pool.processes.count == 2 }
        }
    }

    @Test func `uses new settings after a reload`() async throws {
        try await withPool { pool, probe in
            try await submit(pool, probe, [run(1, "answer")])
            #expect(await probe.ends([1])[1]?.result == "42")
            let old = try await processIDs(pool, probe)
            try await probe.loop.submit {
                pool.reload(PoolSetup(tasks: [.init(task: "answer", handler: "options", options: ["answer": "43"])]))
                pool.recycle()
            }.get()
            for process in old { await waitForEnd(of: process) }
            try await submit(pool, probe, [run(2, "answer")])
            #expect(await probe.ends([2])[2]?.result == "43")
        }
    }

    @Test func `grows, and shrinks once runs are done`() async throws {
        try await withPool(processes: 1) { pool, probe in
            try await probe.loop.submit { pool.resize(to: 3) }.get()
            try await settles(probe) { pool.capacity == 3 }
            try await submit(pool, probe, (1...3).map { run(UInt64($0), "sleep", 0.2) })
            await probe.ends([1, 2, 3])
            #expect(Set(probe.events.compactMap(\.startedProcess)).count == 3)
            #expect(try await probe.loop.submit { pool.capacity }.get() == 3)
            let before = try await processIDs(pool, probe)
            try await submit(pool, probe, [run(4, "sleep", 0.2)])
            try await probe.loop.submit { pool.resize(to: 1) }.get()
            #expect(await probe.ends([4])[4]?.result == "slept")
            #expect(try await probe.loop.submit { pool.capacity }.get() == 1)
            let running = probe.events.compactMap(\.startedProcess).last
            for process in before where process != running { await waitForEnd(of: process) }
        }
    }

    // MARK: End

    @Test func `finishes what runs and returns what does not when it stops`() async throws {
        try await withPool { pool, probe in
            try await probe.loop.flatSubmit {
                pool.submit([run(1, "sleep", 0.1), run(2, "noop")])
                return pool.beginStop(killAfter: nil)
            }.get()
            let ends = await probe.ends([1, 2])
            #expect(ends[1]?.result == "slept")
            #expect(ends[2]?.returnedJob == 2)
            try await submit(pool, probe, [run(3, "noop")])
            #expect(await probe.ends([3])[3]?.returnedJob == 3)
        }
    }

    @Test func `kills what does not finish in time when it stops`() async throws {
        try await withPool { pool, probe in
            try await submit(pool, probe, [run(1, "stuck")])
            await probe.reported([1])
            await pool.stop(killAfter: .milliseconds(50))
            #expect(await probe.ends([1])[1]?.lostExit == .signal(9))
        }
    }

    @Test func `starts nothing after it was stopped`() async throws {
        let probe = PoolProbe()
        let pool = ProcessPool(
            configuration: PoolConfiguration(
                name: "test",
                processes: 1,
                executable: TestProgram.path,
                arguments: ["serve"],
                setup: TestProgram.setup
            ),
            eventLoop: probe.loop,
            logger: Logger(label: "pool") { _ in SwiftLogNoOpLogHandler() },
            onEvents: probe.receive
        )
        await pool.stop(killAfter: nil)
        let error = await #expect(throws: PoolError.self) { try await pool.start() }
        #expect(error?.code == .stopped)
        #expect(try await processIDs(pool, probe).isEmpty)
        try await submit(pool, probe, [run(1, "noop")])
        #expect(await probe.ends([1])[1]?.returnedJob == 1)
    }

    @Test func `ignores signals that a terminal sends to all processes`() async throws {
        try await withPool { pool, probe in
            try await submit(pool, probe, [run(1, "sleep", 0.3)])
            await probe.begun([1])
            for process in try await processIDs(pool, probe) {
                for signal in [SIGINT, SIGTERM, SIGHUP] { kill(process, signal) }
            }
            #expect(await probe.ends([1])[1]?.result == "slept")
        }
    }
}
