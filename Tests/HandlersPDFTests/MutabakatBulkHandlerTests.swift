import CeleriacTasks
import CeleryMessage
import TestSupport
import Testing

@testable import HandlersPDF

struct MutabakatBulkHandlerTests {
    private let bench: TestBench

    init() throws {
        bench = try TestBench()
    }

    private func run(
        _ ids: JSONValue,
        _ more: JSONObject = [:],
        _ context: TaskContext = .test()
    ) async throws -> JSONValue {
        try await bench.bulk(more).run(TaskArguments(keyword: ["mutabakat_ids": ids]), context: context)
    }

    @Test func `makes five files and counts them`() async throws {
        let reporter = RecordingReporter()
        let result = try await run([1, 2, 3, 4, 5], [:], .test(reporter))
        #expect(result["total"] == 5)
        #expect(result["succeeded"] == 5)
        #expect(result["failed"] == 0)
        #expect(result["errors"] == [])
        #expect(result["files"]?.array?.compactMap { $0["mutabakat_id"]?.int } == [1, 2, 3, 4, 5])
        #expect(bench.outputFolder.names == (1...5).map { "mutabakat-\($0).pdf" })
        #expect(reporter.progress.compactMap { $0["current"]?.int } == [0, 1, 2, 3, 4, 5])
        #expect(reporter.progress.allSatisfy { $0["total"] == 5 })
        #expect(reporter.progress.last?["status"] == "Mutabakat 5: hazır")
    }

    @Test func `lets a bad id fail by itself`() async throws {
        try await bench.change("UPDATE mutabakat_lines SET debit = 'x' WHERE mutabakat_id = 3 AND line_no = 1")
        let result = try await run([1, 999, "../x", nil, 3, 2])
        #expect(result["total"] == 6)
        #expect(result["succeeded"] == 2)
        #expect(result["failed"] == 4)
        let errors = try #require(result["errors"]?.array)
        #expect(errors.compactMap { $0["mutabakat_id"] } == [999, "../x", nil, 3])
        #expect(errors.first?["error"] == "there is no mutabakat with id 999")
        #expect(bench.outputFolder.names == ["mutabakat-1.pdf", "mutabakat-2.pdf"])
    }

    @Test func `makes a repeated id once`() async throws {
        let result = try await run([2, 1, 2, "1", 2])
        #expect(result["total"] == 2)
        #expect(result["succeeded"] == 2)
        #expect(result["duplicates"] == 3)
        #expect(result["files"]?.array?.compactMap { $0["mutabakat_id"]?.int } == [2, 1])
    }

    @Test func `makes nothing of an empty list`() async throws {
        let result = try await run([])
        #expect(result["total"] == 0)
        #expect(result["files"] == [])
    }

    @Test(arguments: [
        (JSONValue.int(1), "TypeError", "must be list, not int"), ("1,2", "TypeError", "must be list, not str"),
        (.array(Array(repeating: 1, count: 10_001)), "ValueError", "at most 10000"),
    ])
    func `refuses what is not a list of reasonable length`(ids: JSONValue, type: String, message: String) async throws {
        let failure = try await #require(throws: TaskFailure.self) { try await run(ids) }
        #expect(failure.type == type)
        #expect(failure.message.contains(message))
    }

    @Test func `fails as a whole when the database is not there`() async throws {
        let failure = try await #require(throws: TaskFailure.self) {
            try await run([1, 2], ["database": ["sqlite": "missing.sqlite"]])
        }
        #expect(failure.type == "OperationalError")
    }

    @Test func `stops between two statements at the soft limit and keeps what is ready`() async throws {
        let cancellation = TaskCancellation()
        let reporter = RecordingReporter { meta in
            guard meta["current"] == 2 else { return }
            cancellation.cancel(.softTimeLimit)
            withUnsafeCurrentTask { $0?.cancel() }
        }
        let task = Task { try await run([1, 2, 3, 4], [:], .test(reporter, cancellation: cancellation)) }
        let failure = try await #require(throws: TaskFailure.self) { try await task.value }
        #expect(failure.type == "SoftTimeLimitExceeded")
        #expect(bench.outputFolder.names == ["mutabakat-1.pdf", "mutabakat-2.pdf"])
    }

    @Test func `is offered under both names`() {
        #expect(PDFHandlers.factories.map(\.name) == ["pdf.mutabakat", "pdf.mutabakat_bulk"])
    }
}
