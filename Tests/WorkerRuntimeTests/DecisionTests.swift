import CeleryMessage
import Testing

@testable import WorkerRuntime

@Suite struct AdmissionTests {
    private static let now = Instant(seconds: 1_800_000_000)
    private static let past = "2026-01-01T00:00:00+00:00"
    private static let future = "2030-01-01T00:00:00+00:00"

    struct Row: Sendable {
        var task = "known"
        var eta: String?
        var expires: String?
        var revoked = false
        var expected: String
    }

    static let rows: [Row] = [
        Row(expected: "run"), Row(task: "unknown", expected: "unregistered"), Row(revoked: true, expected: "revoked"),
        Row(task: "unknown", expires: past, revoked: true, expected: "unregistered"), Row(eta: past, expected: "run"),
        Row(eta: future, expected: "park"), Row(expires: future, expected: "run"),
        Row(expires: past, expected: "expired"),
        Row(eta: future, expires: past, expected: "expired"), Row(eta: future, revoked: true, expected: "revoked"),
        Row(expires: past, revoked: true, expected: "expired"), Row(eta: "2026-01-01", expected: "run"),
        Row(eta: "9999-12-31T23:59:59", expected: "park"), Row(eta: "tomorrow", expected: "refuse eta"),
        Row(eta: "", expected: "refuse eta"), Row(expires: "soon", expected: "refuse expires"),
        Row(eta: future, expires: "9999-99", revoked: true, expected: "refuse expires"),
    ]

    @Test(arguments: rows) func `decides by the headers alone`(_ row: Row) throws {
        var headers = TaskHeaders(task: row.task, id: "id")
        headers.eta = row.eta
        headers.expires = row.expires
        let admission = Admission(tasks: ["known": TaskPolicy(maxRetries: 9)])
        let action = admission.action(for: headers, now: Self.now) { id in row.revoked && id == "id" }
        switch action {
        case .run(let policy):
            #expect(row.expected == "run")
            #expect(policy.maxRetries == 9)
        case .park(let due):
            #expect(row.expected == "park")
            #expect(due == ISO8601.date(row.eta ?? ""))
        case .expired: #expect(row.expected == "expired")
        case .revoked: #expect(row.expected == "revoked")
        case .unregistered: #expect(row.expected == "unregistered")
        case .refuse(let reason, let exception):
            #expect(row.expected.hasPrefix("refuse"))
            #expect(reason.contains("header \(row.expected.dropFirst(7)) "))
            #expect(exception.type == "ValueError")
        }
    }
}

@Suite struct TimeLimitsTests {
    @Test(
        arguments: [
            (1.0, 2.0, 3.0, 4.0, 1.0), (nil, 2, 3, 4, 2), (nil, nil, 3, 4, 3), (nil, nil, nil, 4, 4),
            (nil, nil, nil, nil, nil),
            (0, 2, 3, 4, 2), (-1, nil, nil, 4, 4), (0, 0, 0, 0, nil),
        ] as [(Double?, Double?, Double?, Double?, Double?)]
    )
    func `message beats task, task beats queue, queue beats the default`(
        _ message: Double?,
        _ task: Double?,
        _ queue: Double?,
        _ worker: Double?,
        _ expected: Double?
    ) {
        var headers = TaskHeaders(task: "t", id: "i")
        headers.softTimeLimit = message
        headers.hardTimeLimit = message.map { $0 * 10 }
        let limits = TimeLimits(
            message: headers,
            task: TaskPolicy(softTimeLimit: task, timeLimit: task.map { $0 * 10 }),
            queue: QueuePolicy(name: "q", pool: "p", softTimeLimit: queue, timeLimit: queue.map { $0 * 10 }),
            worker: WorkerConfiguration(
                nodeName: "n",
                queues: [],
                tasks: [:],
                defaultPool: "p",
                timeLimit: worker.map { $0 * 10 },
                softTimeLimit: worker
            )
        )
        #expect(limits.soft == expected)
        #expect(limits.hard == expected.map { $0 * 10 })
    }
}

@Suite struct RetryDelayTests {
    private func policy(_ backoff: Double?, maximum: Double = 600, jitter: Bool = false) -> TaskPolicy {
        TaskPolicy(defaultRetryDelay: 7, retryBackoff: backoff, retryBackoffMax: maximum, retryJitter: jitter)
    }

    @Test(
        arguments: [(nil, 3, 7), (1, 0, 1), (2, 3, 16), (2.9, 1, 4), (0.1, 2, 4), (2, 500, 600)]
            as [(Double?, Int, Double)]
    )
    func `doubles a policy's backoff, or is its fixed delay`(_ backoff: Double?, _ retries: Int, _ expected: Double) {
        let delay = RetryDelay.delay(policy(backoff), retries: retries) { range in
            Issue.record("nothing is drawn without jitter")
            return range.lowerBound
        }
        #expect(delay == expected)
    }

    @Test func `draws from nothing to the whole delay`() {
        var ranges: [ClosedRange<Int>] = []
        let delay = RetryDelay.delay(policy(2, jitter: true), retries: 3) { range in
            ranges.append(range)
            return 5
        }
        #expect(delay == 5)
        #expect(ranges == [0...16])
    }

    @Test(arguments: [(1e300, 1_000_000), (1.0, Int.max), (-3.0, -7), (0.0, Int.min)] as [(Double, Int)])
    func `survives numbers beyond reason`(_ factor: Double, _ retries: Int) {
        #expect((0...600).contains(RetryDelay.delay(policy(factor), retries: retries) { $0.upperBound }))
        let boundless = policy(factor, maximum: 1e300, jitter: true)
        #expect(RetryDelay.delay(boundless, retries: retries) { $0.upperBound } >= 0)
    }
}

@Suite struct RevokedTasksTests {
    private let now = Instant(seconds: 1000)

    @Test func `holds an id for its time`() {
        var revoked = RevokedTasks(limit: 10, timeToLive: .seconds(60))
        #expect(!revoked.contains("a", now: now))
        revoked.insert("a", now: now)
        #expect(revoked.contains("a", now: now + .seconds(59)))
        #expect(!revoked.contains("a", now: now + .seconds(60)))
        revoked.insert("a", now: now + .seconds(50))
        revoked.insert("b", now: now + .seconds(70))
        #expect(revoked.contains("a", now: now + .seconds(100)))
    }

    @Test func `forgets the oldest beyond its limit`() {
        var revoked = RevokedTasks(limit: 3, timeToLive: .seconds(60))
        for (place, id) in ["a", "b", "a", "c", "d"].enumerated() { revoked.insert(id, now: now + .seconds(place)) }
        let later = now + .seconds(5)
        #expect(["a", "b", "c", "d"].map { revoked.contains($0, now: later) } == [true, false, true, true])
    }

    @Test func `one id again and again takes no room`() {
        var revoked = RevokedTasks(limit: 5, timeToLive: .seconds(3600))
        revoked.insert("first", now: now)
        for place in 0..<10_000 { revoked.insert("same", now: now + .milliseconds(place)) }
        let later = now + .seconds(20)
        #expect(revoked.contains("first", now: later))
        #expect(revoked.contains("same", now: later))
        #expect(revoked.entryCount <= 11)
    }
}

@Suite struct PaceTests {
    @Test func `looks ahead for the work of some milliseconds`() {
        var pace = Pace()
        #expect(pace.lookahead == 0)
        pace.count(1, at: 100)
        for step in 1...10 { pace.count(100, at: 100 + Double(step) * 0.01) }
        #expect(abs(pace.rate - 10_000) < 100)
        #expect(pace.lookahead == Int(pace.rate * Pace.horizon))
        for step in 11...20 { pace.count(100_000, at: 100 + Double(step) * 0.01) }
        #expect(pace.lookahead == Pace.ceiling)
    }

    @Test func `hoards no slow tasks, and forgets its speed in a pause`() {
        var pace = Pace()
        for step in 0..<10 { pace.count(1, at: 100 + Double(step) * 0.5) }
        #expect(pace.lookahead == 0)
        for step in 0..<10 { pace.count(1000, at: 200 + Double(step) * 0.01) }
        #expect(pace.lookahead > 0)
        pace.count(1, at: 300)
        #expect(pace.lookahead == 0)
    }
}

@Suite struct QueueStateTests {
    @Test func `has room for its concurrency less what is in hand and on its way`() {
        var queue = QueueState(policy: QueuePolicy(name: "q", pool: "p", concurrency: 5), pool: 0)
        queue.inHand = 2
        queue.claiming = 1
        #expect(queue.room == 2)
        queue.inHand = 9
        #expect(queue.room == 0)
        queue.consumes = false
        queue.inHand = 0
        #expect(queue.room == 0)
        #expect(QueueState(policy: QueuePolicy(name: "q", pool: "p"), pool: 0).room > 1_000_000)
    }
}

@Suite struct ExceptionMatchTests {
    @Test func `seconds are written with as many digits as matter`() {
        #expect(TaskLog.seconds(.seconds(3)) == "3")
        #expect(TaskLog.seconds(.milliseconds(1500)) == "1.5")
        #expect(TaskLog.seconds(.microseconds(12)) == "1.2e-05")
        #expect(TaskLog.seconds(nil) == "0")
    }
}
