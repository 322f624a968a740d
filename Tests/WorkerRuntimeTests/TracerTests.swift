import CeleriacTasks
import CeleryMessage
import Testing
import Transport
import WorkerPool

@testable import WorkerRuntime

/// Every end of a task and what follows from it, beside what Celery was recorded doing.
@Suite struct TracerTests {
    private let tag = DeliveryTag("w:1")
    private let now = Instant(microseconds: 1_795_000_000_123_456)
    private let boom = ExceptionInfo(type: "ValueError", arguments: ["boom"])

    private func ending(
        _ tracer: Tracer,
        of item: [UInt8],
        _ outcome: TaskOutcome,
        policy: TaskPolicy = TaskPolicy(),
        early: Bool = false,
        enqueued: [Signature] = []
    ) throws -> TaskEnding {
        tracer.ending(
            of: ReceivedMessage(try TaskMessage.decode(item, codecs: .json, limits: MessageLimits())),
            item: item,
            tag: early ? nil : tag,
            queue: "celery",
            policy: policy,
            outcome: outcome,
            enqueued: enqueued,
            now: now
        )
    }

    private func plain(_ id: String = "id-1", change: (inout TaskMessage) -> Void = { _ in }) throws -> [UInt8] {
        var message = TaskMessage(task: "proj.add", id: id, args: [1, 2], origin: "gen1@producer")
        change(&message)
        return try message.encode()
    }

    private func records(_ commit: Commit) throws -> [JSONValue] {
        try commit.effects.compactMap {
            if case .store(let result) = $0 { try JSONReader.value(result.record) } else { nil }
        }
    }

    private func published(_ commit: Commit) -> [Publication] {
        commit.effects.compactMap { if case .publish(let message) = $0 { message } else { nil } }
    }

    // MARK: Beside recordings

    struct Step: Sendable, CustomTestStringConvertible {
        var canvas: String
        /// Which published message is run.
        var runs: Int
        var outcome: TaskOutcome
        var policy = TaskPolicy()
        /// What is published then, and what stored.
        var publishes: [Int]
        var stores: [Int]
        var inheritsPriority = false
        var testDescription: String { "\(canvas) \(runs)" }
    }

    private static func failure(_ message: String, type: String = "ValueError") -> TaskOutcome {
        .failure(ExceptionInfo(type: type, arguments: [.string(message)]), traceback: "Traceback")
    }

    private static func retry(_ message: String) -> TaskOutcome {
        let cause = TaskFailure(module: "builtins", type: "OSError", arguments: [.string(message)])
        return .retry(TaskRetry(countdown: 1, cause: cause), traceback: "Traceback")
    }

    private static let autoretry = TaskPolicy(maxRetries: 2, autoretryFor: ["OSError"], retryBackoff: 1)

    static let steps: [Step] = [
        Step(canvas: "link", runs: 0, outcome: .success(result: Array("4".utf8)), publishes: [1], stores: [0]),
        Step(canvas: "link", runs: 1, outcome: .success(result: Array("40".utf8)), publishes: [], stores: [1]),
        Step(canvas: "chain3", runs: 0, outcome: .success(result: Array("4".utf8)), publishes: [1], stores: [0]),
        Step(canvas: "chain3", runs: 1, outcome: .success(result: Array("12".utf8)), publishes: [2], stores: [1]),
        Step(
            canvas: "chain3",
            runs: 2,
            outcome: .success(result: Array(#"{"cb": 12, "tag": "z"}"#.utf8)),
            publishes: [],
            stores: [2]
        ),
        Step(canvas: "link_error_old", runs: 0, outcome: failure("boom"), publishes: [1], stores: [0]),
        Step(canvas: "link_error_two", runs: 0, outcome: failure("boom"), publishes: [1, 2], stores: [0]),
        Step(canvas: "chain_fails_first", runs: 0, outcome: failure("x"), publishes: [1], stores: [0, 1, 2]),
        Step(canvas: "chain_fails_middle", runs: 1, outcome: failure("m"), publishes: [], stores: [1, 2]),
        Step(canvas: "retry", runs: 0, outcome: retry("transient"), publishes: [1], stores: [0]),
        Step(
            canvas: "retry",
            runs: 1,
            outcome: .success(result: Array(#""ok after 1""#.utf8)),
            publishes: [],
            stores: [1]
        ),
        Step(canvas: "retry_in_chain_with_options", runs: 0, outcome: retry("transient"), publishes: [1], stores: [0]),
        Step(
            canvas: "retry_in_chain_with_options",
            runs: 1,
            outcome: .success(result: Array(#""ok after 1""#.utf8)),
            publishes: [2],
            stores: [1]
        ),
        Step(
            canvas: "autoretry_backoff",
            runs: 0,
            outcome: failure("auto", type: "OSError"),
            policy: autoretry,
            publishes: [1],
            stores: [0]
        ),
        Step(
            canvas: "autoretry_backoff",
            runs: 1,
            outcome: failure("auto", type: "OSError"),
            policy: autoretry,
            publishes: [2],
            stores: [1]
        ),
        Step(
            canvas: "autoretry_backoff",
            runs: 2,
            outcome: failure("auto", type: "OSError"),
            policy: autoretry,
            publishes: [],
            stores: [2]
        ),
        Step(
            canvas: "priority_inherited",
            runs: 0,
            outcome: .success(result: Array("2".utf8)),
            publishes: [1],
            stores: [0],
            inheritsPriority: true
        ),
    ]

    @Test(arguments: steps) func `sends and stores what Celery did`(_ step: Step) throws {
        let canvas = try RecordedCanvas(step.canvas)
        let commit = try ending(
            Tracer.test(inheritParentPriority: step.inheritsPriority),
            of: canvas.item(step.runs),
            step.outcome,
            policy: step.policy
        ).commit
        #expect(commit.tag == tag)
        #expect(commit.acknowledges)
        let sent = commit.effects.compactMap { effect -> Publication? in
            switch effect {
            case .publish(let message), .park(let message, _, _): message
            default: nil
            }
        }
        #expect(sent.map { canvas.comparable.message($0.item) } == (try step.publishes.map(canvas.message)))
        #expect(try records(commit).map { canvas.comparable.value($0) } == step.stores.map(canvas.record))
        let kept = commit.effects.count { if case .keepDead = $0 { true } else { false } }
        #expect(commit.effects.count - kept == step.publishes.count + step.stores.count)
    }

    struct Ended: Sendable, CustomTestStringConvertible {
        var fixture: String
        var outcome: TaskOutcome
        var policy = TaskPolicy()
        var results = ResultPolicy()
        var args: [JSONValue] = []
        var retries = 0
        var testDescription: String { fixture }
    }

    static let ends: [Ended] = [
        Ended(fixture: "success_int", outcome: .success(result: Array("5".utf8))),
        Ended(
            fixture: "timezone_kolkata",
            outcome: .success(result: Array("2".utf8)),
            results: ResultPolicy(offset: { _ in 19_800 })
        ),
        Ended(
            fixture: "extended_success",
            outcome: .success(result: Array("3".utf8)),
            results: ResultPolicy(extended: true),
            args: [1, 2]
        ),
        Ended(fixture: "extended_failure", outcome: failure("x"), results: ResultPolicy(extended: true), args: ["x"]),
        Ended(fixture: "failure_valueerror", outcome: failure("boom")),
        Ended(fixture: "failure_hard_time_limit", outcome: .timeLimitExceeded(seconds: 1)),
        Ended(
            fixture: "failure_soft_time_limit",
            outcome: .failure(.softTimeLimitExceeded(), traceback: "Traceback")
        ),
        Ended(fixture: "reject_no_requeue", outcome: .rejected(TaskReject(reason: "no thanks"))),
        Ended(fixture: "revoked_expired", outcome: .revoked(reason: .expired)),
        Ended(fixture: "revoked_terminated", outcome: .revoked(reason: .terminated)),
        Ended(fixture: "revoked_terminated", outcome: .workerLost(.terminated)),
        Ended(
            fixture: "failure_max_retries_no_exc",
            outcome: .retry(TaskRetry(countdown: 1), traceback: "Traceback"),
            policy: TaskPolicy(maxRetries: 1),
            retries: 1
        ),
        Ended(
            fixture: "failure_max_retries_with_exc",
            outcome: .retry(TaskRetry(cause: .valueError("final")), traceback: "Traceback"),
            policy: TaskPolicy(maxRetries: 1),
            retries: 1
        ),
    ]

    @Test(arguments: ends) func `stores the record Celery stored`(_ end: Ended) throws {
        let expected = try Recorded.record(end.fixture)
        let id = try #require(expected["task_id"]?.string)
        var name = expected["name"]?.string ?? "proj.add"
        if end.fixture == "failure_max_retries_no_exc" { name = "proj.retry_noexc" }
        var message = TaskMessage(task: name, id: id, args: end.args)
        message.headers.retries = end.retries
        message.headers.parentID = expected["parent_id"]?.string
        let commit = try ending(
            Tracer.test(results: end.results),
            of: message.encode(),
            end.outcome,
            policy: end.policy
        )
        .commit
        let comparable = Comparable(known: id)
        #expect(try records(commit).map { comparable.value($0) } == [comparable.value(expected)])
        guard case .store(let stored)? = commit.effects.first else { return }
        #expect(stored.taskID == id)
        #expect(stored.timeToLive == 86_400)
    }

    @Test func `stores what Celery stores of a message nobody can run`() throws {
        for (fixture, extended) in [("failure_not_registered", false), ("extended_not_registered", true)] {
            let expected = try Recorded.record(fixture)
            let id = try #require(expected["task_id"]?.string)
            let delivery = Delivery(tag: tag, queue: "celery", item: try plain(id))
            let commit = Tracer.test(results: ResultPolicy(extended: extended)).refusal(
                delivery,
                reason: "unregistered",
                taskID: id,
                exception: .notRegistered("proj.nope")
            )
            let comparable = Comparable(known: id)
            let worker = JSONValue.object(["x": nil])
            #expect(worker["x"] == .null)
            #expect(try records(commit).map { comparable.value($0) } == [comparable.value(expected)])
            guard case .keepDead(let dead)? = commit.effects.first else {
                Issue.record("the message is not kept")
                return
            }
            #expect((dead.id, dead.reason) == (id, "unregistered"))
            #expect(dead.message == Publication(queue: "celery", priority: 0, item: delivery.item))
            #expect(commit.acknowledges)
        }
    }

    @Test func `stores states on the way as Celery does, without acknowledging`() throws {
        for (fixture, commit) in [
            (
                "started",
                { (tracer: Tracer, message: ReceivedMessage) -> Commit? in
                    tracer.started(message, tag: DeliveryTag("w:1"), policy: TaskPolicy(), processID: 13449)
                }
            ),
            (
                "custom_state_progress",
                { (tracer: Tracer, message: ReceivedMessage) -> Commit? in
                    let meta = Array(#"{"current": 0, "total": 3}"#.utf8)
                    return tracer.state(
                        "PROGRESS",
                        meta: meta,
                        of: message,
                        tag: DeliveryTag("w:1"),
                        policy: TaskPolicy()
                    )
                }
            ),
        ] {
            let expected = try Recorded.record(fixture)
            let id = try #require(expected["task_id"]?.string)
            let message = ReceivedMessage(TaskMessage(task: "proj.tracked", id: id))
            let made = try #require(commit(Tracer.test(), message))
            #expect(made.tag == tag)
            #expect(!made.acknowledges)
            #expect(try records(made) == [expected])
            #expect(
                Tracer.test(results: ResultPolicy(enabled: false)).state(
                    "X",
                    meta: [],
                    of: message,
                    tag: tag,
                    policy: TaskPolicy()
                )
                    == nil
            )
        }
    }

    // MARK: What is stored

    @Test(
        arguments: [
            (nil, false, false, true, true), (nil, true, false, false, false), (nil, true, true, false, true),
            (true, false, false, false, false), (true, false, true, false, true), (false, true, false, true, true),
        ] as [(Bool?, Bool, Bool, Bool, Bool)]
    )
    func `ignores results as message and task say`(
        _ header: Bool?,
        _ ignore: Bool,
        _ storeErrors: Bool,
        _ storesSuccess: Bool,
        _ storesFailure: Bool
    ) throws {
        let item = try plain { $0.headers.ignoreResult = header }
        let policy = TaskPolicy(ignoreResult: ignore, storeErrorsEvenIfIgnored: storeErrors)
        func stores(_ outcome: TaskOutcome) throws -> Bool {
            try !records(ending(Tracer.test(), of: item, outcome, policy: policy).commit).isEmpty
        }
        #expect(try stores(.success(result: Array("1".utf8))) == storesSuccess)
        #expect(try stores(.failure(boom, traceback: nil)) == storesFailure)
        #expect(try stores(.retry(TaskRetry(countdown: 1), traceback: "")) == storesFailure)
        let none = Tracer.test(results: ResultPolicy(enabled: false))
        #expect(try records(ending(none, of: item, .failure(boom, traceback: nil), policy: policy).commit).isEmpty)
        #expect(try records(ending(none, of: item, .success(result: Array("1".utf8)), policy: policy).commit).isEmpty)
    }

    @Test func `a chain whose results are ignored stores nothing when it fails`() throws {
        let canvas = try RecordedCanvas("chain_fails_first")
        let commit = try ending(
            Tracer.test(results: ResultPolicy(enabled: false)),
            of: canvas.item(0),
            .failure(boom, traceback: nil)
        ).commit
        #expect(try records(commit).isEmpty)
        #expect(published(commit).count == 1)
    }

    @Test func `keeps failures for their own time`() throws {
        let tracer = Tracer.test(results: ResultPolicy(expires: 100, failureExpires: 7))
        func seconds(_ outcome: TaskOutcome) throws -> Int?? {
            guard case .store(let stored)? = try ending(tracer, of: plain(), outcome).commit.effects.first else {
                return nil
            }
            return stored.timeToLive
        }
        #expect(try seconds(.failure(boom, traceback: nil)) == 7)
        #expect(try seconds(.success(result: Array("1".utf8))) == 100)
        #expect(try seconds(.retry(TaskRetry(countdown: 1), traceback: "")) == 100)
    }

    // MARK: Retries

    @Test func `parks a retry until its moment and says so`() throws {
        let end = try ending(
            Tracer.test(),
            of: plain { $0.properties.priority = 6 },
            .retry(TaskRetry(countdown: 2.5), traceback: "")
        )
        guard case .park(let message, let id, let due)? = end.commit.effects.last else {
            Issue.record("\(end)")
            return
        }
        #expect(due == now.advanced(bySeconds: 2.5))
        #expect(end.due == due)
        #expect(id == "id-1")
        #expect(message.queue == "celery")
        #expect(message.priority == 6)
        let again = try TaskMessage.decode(message.item, codecs: .json, limits: MessageLimits())
        #expect(again.headers.retries == 1)
        #expect(again.headers.etaInstant == due)
        guard case .retried(_, let countdown) = end.verdict else {
            Issue.record("\(end.verdict)")
            return
        }
        #expect(countdown == 2.5)
    }

    @Test(arguments: [0.0, -5, .nan]) func `publishes a retry without delay at once`(_ countdown: Double) throws {
        let end = try ending(Tracer.test(), of: plain(), .retry(TaskRetry(countdown: countdown), traceback: ""))
        #expect(published(end.commit).count == 1)
        #expect(end.due == nil)
        let again = try TaskMessage.decode(published(end.commit)[0].item, codecs: .json, limits: MessageLimits())
        #expect(again.headers.eta == nil)
    }

    @Test(arguments: [Double.infinity, 1e300, .greatestFiniteMagnitude])
    func `a senseless countdown does not trap`(_ countdown: Double) throws {
        let end = try ending(Tracer.test(), of: plain(), .retry(TaskRetry(countdown: countdown), traceback: ""))
        #expect(end.due != nil)
    }

    @Test func `takes the task's delay where the handler names none`() throws {
        let policy = TaskPolicy(defaultRetryDelay: 7)
        #expect(
            try ending(Tracer.test(), of: plain(), .retry(TaskRetry(), traceback: ""), policy: policy).due == now
                + .seconds(7)
        )
        let backoff = TaskPolicy(maxRetries: nil, retryBackoff: 3)
        let third = try plain { $0.headers.retries = 2 }
        #expect(
            try ending(Tracer.test(), of: third, .retry(TaskRetry(), traceback: ""), policy: backoff).due == now
                + .seconds(12)
        )
    }

    @Test func `retries as often as the task or the retry itself allows`() throws {
        func isRetried(_ retries: Int, _ maximum: Int?, own: Int? = nil) throws -> Bool {
            let item = try plain { $0.headers.retries = retries }
            let retry = TaskRetry(countdown: 1, maxRetries: own)
            let end = try ending(
                Tracer.test(),
                of: item,
                .retry(retry, traceback: ""),
                policy: TaskPolicy(maxRetries: maximum)
            )
            if case .retried = end.verdict { return true }
            return false
        }
        #expect(try isRetried(2, 3))
        #expect(try !isRetried(3, 3))
        #expect(try isRetried(1000, nil))
        #expect(try !isRetried(0, 0))
        #expect(try isRetried(3, 3, own: 5))
        #expect(try !isRetried(1, 3, own: 1))
    }

    @Test(
        arguments: [
            (["ValueError"], [], true), (["builtins.ValueError"], [], true), (["*"], [], true),
            (["Exception"], [], true),
            (["KeyError"], [], false), (["*"], ["ValueError"], false), (["other.ValueError"], [], false),
            ([], [], false),
        ] as [([String], [String], Bool)]
    )
    func `retries by itself what its policy names`(_ retried: [String], _ not: [String], _ expected: Bool) throws {
        let policy = TaskPolicy(autoretryFor: retried, dontAutoretryFor: not)
        let end = try ending(Tracer.test(), of: plain(), .failure(boom, traceback: "T"), policy: policy)
        #expect((end.due != nil) == expected)
    }

    // MARK: Going back

    @Test func `goes back marked, every other byte as it was`() throws {
        let item = try plain { $0.properties.priority = 3 }
        let marked = try #require(Redelivery.mark(item))
        let message = Publication(queue: "celery", priority: 3, item: marked)
        let late = TaskPolicy(acksOnTimeout: false, rejectOnWorkerLost: true)
        let back: [(TaskOutcome, Effect)] = [
            (.interrupted, .putBack(message)), (.rejected(TaskReject(reason: "x", requeue: true)), .publish(message)),
            (.timeLimitExceeded(seconds: 1), .publish(message)), (.workerLost(.signal(9)), .publish(message)),
        ]
        for (outcome, effect) in back {
            let commit = try ending(Tracer.test(), of: item, outcome, policy: late).commit
            #expect(commit == Commit(tag: tag, acknowledges: true, effects: [effect]), "\(outcome)")
        }
        let garbage = Array("no envelope".utf8)
        let message2 = TaskMessage(task: "t", id: "x")
        #expect(
            Tracer.test().putBack(message2, tag: tag, queue: "q", item: garbage).effects
                == [.putBack(Publication(queue: "q", priority: 0, item: garbage))]
        )
    }

    @Test func `an early acknowledged task fails where a late one goes back`() throws {
        let late = TaskPolicy(acksOnTimeout: false, rejectOnWorkerLost: true)
        for outcome in [TaskOutcome.timeLimitExceeded(seconds: 1), .workerLost(.code(3))] {
            let commit = try ending(Tracer.test(), of: plain(), outcome, policy: late, early: true).commit
            #expect(commit.tag == nil)
            #expect(!commit.acknowledges)
            #expect(try records(commit).map { $0["status"] } == ["FAILURE"])
        }
        // What Celery loses there goes back here.
        let reject = TaskOutcome.rejected(TaskReject(reason: "x", requeue: true))
        #expect(published(try ending(Tracer.test(), of: plain(), reject, early: true).commit).count == 1)
        guard case .putBack? = try ending(Tracer.test(), of: plain(), .interrupted, early: true).commit.effects.first
        else {
            Issue.record("lost")
            return
        }
    }

    @Test func `a lost process is named`() throws {
        let commit = try ending(Tracer.test(), of: plain(), .workerLost(.signal(9))).commit
        let result = try #require(try records(commit).first?["result"])
        #expect(result["exc_type"] == "WorkerLostError")
        #expect(result["exc_message"] == ["Worker exited prematurely: signal 9 (SIGKILL)."])
    }

    @Test func `an ignored task stores and sends nothing`() throws {
        let commit = try ending(Tracer.test(), of: plain(), .ignored).commit
        #expect((commit.tag, commit.acknowledges, commit.effects) == (tag, true, []))
    }

    @Test func `forgets how often a redelivered task came once it ends`() throws {
        let item = try #require(Redelivery.mark(try plain()))
        for outcome in [TaskOutcome.success(result: Array("1".utf8)), .failure(boom, traceback: nil)] {
            #expect(
                try ending(Tracer.test(), of: item, outcome).commit.effects.last == .forgetDeliveries(taskID: "id-1")
            )
        }
        #expect(
            try !ending(Tracer.test(), of: plain(), .ignored).commit.effects.contains(.forgetDeliveries(taskID: "id-1"))
        )
    }

    // MARK: Subtasks

    @Test func `publishes enqueued subtasks with the end, as children`() throws {
        let signatures = [
            Signature(task: "proj.mul", args: [1]), Signature(task: "proj.mul", options: ["queue": "q2"]),
        ]
        let commit = try ending(Tracer.test(), of: plain(), .success(result: Array("1".utf8)), enqueued: signatures)
            .commit
        let sent = published(commit)
        #expect(sent.map(\.queue) == ["celery", "q2"])
        let messages = try sent.map { try TaskMessage.decode($0.item, codecs: .json, limits: MessageLimits()) }
        #expect(messages.map { String(decoding: $0.payload.args, as: UTF8.self) } == ["[1]", "[]"])
        #expect(messages.allSatisfy { $0.headers.parentID == "id-1" && $0.headers.rootID == "id-1" })
        #expect(messages.map(\.headers.origin) == ["gen1@worker", "gen1@worker"])
        let children = try #require(try records(commit).first?["children"]?.array)
        #expect(children == messages.map { [[.string($0.headers.id), nil], nil] })
        // They go only with a success.
        let failed = try ending(Tracer.test(), of: plain(), .failure(boom, traceback: nil), enqueued: signatures).commit
        #expect(published(failed).isEmpty)
    }

    @Test func `a result that cannot be written fails the task`() throws {
        let results = ResultPolicy(serializer: "yaml")
        let commit = try ending(Tracer.test(results: results), of: plain(), .success(result: Array("1".utf8))).commit
        #expect(try records(commit).map { $0["status"] } == ["FAILURE"])
        #expect(commit.acknowledges)
    }
}
