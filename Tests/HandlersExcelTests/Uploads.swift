import CeleriacTasks
import CeleryMessage
import Logging
import Synchronization
import TestSupport

@testable import HandlersExcel

/// Remembers what a run reports.
final class RecordingReporter: TaskReporter {
    private let metas = Mutex<[JSONValue]>([])
    private let afterUpdate: @Sendable () -> Void

    init(afterUpdate: @escaping @Sendable () -> Void = {}) { self.afterUpdate = afterUpdate }

    var updates: [JSONValue] { metas.withLock { $0 } }

    func update(state: String, meta: JSONValue) {
        metas.withLock { $0.append(meta) }
        afterUpdate()
    }

    func enqueue(_ signature: Signature) {}
}

/// A folder of uploads with a handler over it.
struct Uploads {
    let folder: ScratchFolder

    init() throws {
        folder = try ScratchFolder()
        try folder.write("uploads/.keep", [])
    }

    /// Makes the handler as a worker does.
    func handler(_ options: JSONObject = [:]) throws -> any TaskHandler {
        var all: JSONObject = ["upload_root": "uploads"]
        for (key, value) in options { all[key] = value }
        let setup = HandlerSetup(
            taskName: "process_excel_upload",
            options: all,
            baseFolder: folder.path,
            logger: Logger(label: "test")
        )
        return try ExcelHandlers.factories[0].make(setup)
    }

    /// Writes a workbook and runs the handler over it.
    func run(
        _ table: [[(any CellContent)?]],
        columns: JSONValue = nil,
        options: JSONObject = [:],
        reporter: RecordingReporter = RecordingReporter()
    ) async throws -> JSONValue {
        try folder.write("uploads/users.xlsx", TestWorkbook(table: table).bytes)
        var options = options
        if !columns.isNull { options["columns"] = columns }
        return try await run(["users.xlsx"], options: options, reporter: reporter)
    }

    /// Runs the handler with these arguments.
    func run(
        _ arguments: [JSONValue],
        kwargs: JSONObject = [:],
        options: JSONObject = [:],
        reporter: RecordingReporter = RecordingReporter(),
        cancellation: TaskCancellation = TaskCancellation(),
        id: String = "11111111-1111-4111-8111-111111111111"
    ) async throws -> JSONValue {
        let request = TaskRequest(
            headers: TaskHeaders(task: "process_excel_upload", id: id),
            queue: "excel",
            hostname: "celery@test"
        )
        let context = TaskContext(
            request: request,
            logger: Logger(label: "test"),
            cancellation: cancellation,
            reporter: reporter
        )
        return try await handler(options).run(TaskArguments(positional: arguments, keyword: kwargs), context: context)
    }
}
