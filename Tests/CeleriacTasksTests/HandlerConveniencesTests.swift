import CeleriacTasks
import CeleryMessage
import Logging
import Testing

private struct NoReports: TaskReporter {
    func update(state: String, meta: JSONValue) {}
    func enqueue(_ signature: Signature) {}
}

/// What handlers of any kind need again and again: times in options, growing waits, names of files.
struct HandlerConveniencesTests {
    // MARK: Times in options

    @Test(arguments: [
        (JSONValue.int(5), Duration?.some(.seconds(5))), (0.25, .milliseconds(250)), (0, .zero), (10, .seconds(10)),
        (nil, nil),
    ]) func `reads seconds as a duration`(value: JSONValue, expected: Duration?) throws {
        #expect(try OptionReader(["wait": value]).seconds("wait", in: 0...10) == expected)
    }

    @Test(arguments: [JSONValue.int(11), -0.5, "5", true, [5]]) func `refuses what is no time within the range`(
        value: JSONValue
    ) {
        let error = #expect(throws: HandlerOptionError.self) {
            try OptionReader(["wait": value]).seconds("wait", in: 0...10)
        }
        #expect(error?.path == ["wait"])
    }

    // MARK: Growing waits

    private func context(retries: Int) -> TaskContext {
        var headers = TaskHeaders(task: "t", id: "id")
        headers.retries = retries
        return TaskContext(
            request: TaskRequest(headers: headers, queue: "celery", hostname: "celery@test"),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            reporter: NoReports()
        )
    }

    @Test(arguments: [(0, 2.0), (1, 4), (5, 64), (11, 3600), (1_000_000, 3600), (-1, 2)])
    func `doubles the wait with each retry, up to an hour and a little at random`(retries: Int, least: Double) throws {
        let failure = TaskFailure.valueError("away")
        for _ in 0..<20 {
            let wait = try #require(context(retries: retries).retry(doubling: .seconds(2), cause: failure).countdown)
            #expect((least...least * 1.25).contains(wait))
        }
    }

    @Test func `leaves the wait to the task's policy where none is given`() {
        let retry = context(retries: 3).retry(doubling: nil, cause: .valueError("away"))
        #expect(retry.countdown == nil)
    }

    // MARK: Names of files

    @Test(arguments: [
        ("4f0a-1", Int?.none, "4f0a-1"), ("4f0a-1", 7, "4f0a-1-7"), ("../../etc/passwd", nil, "______etc_passwd"),
        ("a b\u{0}ç.", 0, "a_b____-0"), ("", nil, ""),
        (String(repeating: "x", count: 500), nil, String(repeating: "x", count: 120)),
    ]) func `makes names of files from ids that lead nowhere else`(id: String, place: Int?, expected: String) {
        #expect(TaskRequest.fileName(id, place: place) == expected)
    }
}
