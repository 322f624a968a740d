import CeleryMessage
import Testing

@testable import Inspection

struct HistoryTests {
    private func task(
        _ id: String,
        _ state: TaskState = .success,
        queue: String = "pdf",
        tenant: String? = nil,
        at second: Double = 0
    ) -> FinishedTask {
        var task = FinishedTask(
            id: id,
            name: "proj.\(queue)",
            queue: queue,
            state: state,
            worker: "w1@host",
            finishedAt: Instant(seconds: second)
        )
        task.tenant = tenant
        if id == "d" { (task.worker, task.receivedAt) = ("w2", Instant(seconds: 9)) }
        if "abc".contains(id) { task.receivedAt = Instant(seconds: second) }
        task.keywords = #"{"no": "INV-\#(id.uppercased())"}"#
        return task
    }

    private func history() -> InMemoryHistory {
        let history = InMemoryHistory(keepCompleted: 3, keepFailed: 2)
        history.record(task("a", at: 1))
        history.record(task("b", .failure, tenant: "t1", at: 2))
        history.record(task("c", .revoked, at: 3))
        history.record(task("d", tenant: "t1", at: 4))
        history.record(task("e", queue: "email", tenant: "t1", at: 5))
        return history
    }

    @Test(arguments: [
        ("all", ["e", "d", "c", "b", "a"]), ("queue", ["d", "c", "b", "a"]), ("states", ["c", "b"]),
        ("task", ["e"]), ("tenant", ["e", "d", "b"]), ("tenant and state", ["e", "d"]), ("after", ["e", "d"]),
        ("before", ["b", "a"]), ("id", ["c"]), ("argument", ["d"]), ("nothing", []), ("offset", ["d", "c"]),
        ("oldest first", ["a", "b"]),
        ("worker", ["d"]), ("name", ["e", "a", "b", "c", "d"]), ("state", ["b", "c", "a", "d", "e"]),
        ("state, greatest first", ["d", "a"]), ("received", ["d", "c", "b", "a", "e"]),
    ])
    func `finds what a query is about`(_ name: String, _ expected: [String]) async throws {
        var query = HistoryQuery()
        switch name {
        case "queue": query.queue = "pdf"
        case "states": query.states = [.failure, .revoked]
        case "task": query.task = "proj.email"
        case "tenant": query.tenant = "t1"
        case "tenant and state": (query.tenant, query.states) = ("t1", [.success])
        case "after": query.finishedAfter = Instant(seconds: 4)
        case "before": query.finishedBefore = Instant(seconds: 3)
        case "id": query.text = "c"
        case "argument": query.text = "INV-D"
        case "nothing": query.text = "INV-X"
        case "offset": (query.offset, query.limit) = (1, 2)
        case "oldest first": (query.isNewestFirst, query.limit) = (false, 2)
        case "worker": query.worker = "w2"
        case "name": (query.order, query.isNewestFirst) = (.name, false)
        case "state": (query.order, query.isNewestFirst) = (.state, false)
        case "state, greatest first": (query.order, query.offset, query.limit) = (.state, 1, 2)
        case "received": query.order = .received
        default: break
        }
        let page = try await history().finished(query)
        #expect(page.tasks.map(\.id) == expected)
        #expect(page.oldest == Instant(seconds: 1))
    }

    @Test func `tells how many match beyond the page`() async throws {
        var query = HistoryQuery()
        query.limit = 1
        query.tenant = "t1"
        let page = try await history().finished(query)
        #expect((page.tasks.map(\.id), page.total) == (["e"], 3))
    }

    @Test func `keeps the newest of each queue and outcome, and counts all`() async throws {
        let history = history()
        for number in 0..<10 { history.record(task("f\(number)", .failure, at: Double(10 + number))) }
        history.retry(queue: "pdf")
        var query = HistoryQuery()
        query.queue = "pdf"
        #expect(try await history.finished(query).tasks.map(\.id) == ["f9", "f8", "d", "a"])
        var expected = HistoryCounts()
        (expected.completedKept, expected.failedKept) = (2, 2)
        (expected.completed, expected.failed, expected.revoked, expected.retried) = (2, 12, 1, 1)
        #expect(try await history.counts()["pdf"] == expected)
        #expect(try await history.finished(taskID: "b") == nil)
        #expect(try await history.finished(taskID: "f9")?.id == "f9")
    }

    @Test func `finds bytes within a text`() {
        #expect("[1, \"Ünal\"]".contains(bytesOf: "Ünal"))
        #expect("aab".contains(bytesOf: "ab"))
        #expect(!"aab".contains(bytesOf: "abb"))
        #expect("aab".contains(bytesOf: ""))
        #expect(!"".contains(bytesOf: "a"))
    }

    @Test(arguments: [(0.0, 0), (0.001, 0), (0.0011, 1), (0.3, 5), (3600, 13), (3601, 14)])
    func `puts a runtime into its bucket`(_ seconds: Double, _ bucket: Int) {
        #expect(TaskDurations.bucket(of: .seconds(seconds)) == bucket)
    }

    @Test(arguments: [
        ("", true), ("proj.send_mail", true), ("send", true), ("SEND_Mail", true), ("l", true), ("mails", false),
        ("proj.send_mail.x", false), ("ı", false),
    ])
    func `finds tasks by a part of their names`(part: String, isFound: Bool) {
        var query = HistoryQuery()
        query.namePart = part
        let task = FinishedTask(
            id: "a",
            name: "proj.send_mail",
            queue: "email",
            state: .success,
            worker: "w1@host",
            finishedAt: Instant(seconds: 0)
        )
        #expect(query.matches(task) == isFound)
    }
}
