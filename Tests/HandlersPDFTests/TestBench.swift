import CeleriacTasks
import CeleryMessage
import Databases
import Foundation
import Logging
import Synchronization
import TestSupport

@testable import HandlersPDF

/// A scratch folder with the demo database, and handlers that work on it.
struct TestBench {
    let folder: ScratchFolder
    var databasePath: String { folder.file("demo.sqlite") }
    var outputFolder: ScratchSubfolder { ScratchSubfolder(path: folder.file("pdf")) }

    init() throws {
        folder = try ScratchFolder()
        try folder.write(Self.template.get(), to: "demo.sqlite")
    }

    /// The demo database's bytes: made once, written for each test.
    private static let template = Result {
        let folder = try ScratchFolder()
        try DemoDatabase.create(at: folder.file("demo.sqlite"))
        return try Data(contentsOf: URL(fileURLWithPath: folder.file("demo.sqlite")))
    }

    /// The options that are required, with further ones.
    func options(_ more: JSONObject = [:]) -> JSONObject {
        var options: JSONObject = ["database": ["sqlite": "demo.sqlite"], "output": "pdf"]
        for (key, value) in more { options[key] = value }
        return options
    }

    func setup(_ task: String, _ options: JSONObject) -> HandlerSetup {
        HandlerSetup(
            taskName: "backend.tasks.pdf_tasks.\(task)",
            options: options,
            baseFolder: folder.path,
            logger: Logger(label: "test")
        )
    }

    func single(_ more: JSONObject = [:]) throws -> MutabakatHandler {
        try MutabakatHandler(setup("generate_mutabakat_pdf", options(more)))
    }

    func bulk(_ more: JSONObject = [:]) throws -> MutabakatBulkHandler {
        try MutabakatBulkHandler(setup("generate_bulk_pdfs", options(more)))
    }

    /// Runs a change on the database.
    func change(_ sql: String, _ arguments: [String: SQLValue] = [:]) async throws {
        try await SQLiteDatabase(path: databasePath, mode: .readWrite).execute(sql, arguments)
    }
}

struct ScratchSubfolder {
    let path: String

    /// The files in the folder, hidden ones too; empty when there is no such folder.
    var names: [String] { ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted() }
}

/// Keeps what a handler reports, and may do something at each report.
final class RecordingReporter: TaskReporter {
    private let metas = Mutex<[JSONValue]>([])
    private let onUpdate: @Sendable (JSONValue) -> Void

    init(onUpdate: @escaping @Sendable (JSONValue) -> Void = { _ in }) {
        self.onUpdate = onUpdate
    }

    var progress: [JSONValue] { metas.withLock { $0 } }

    func update(state: String, meta: JSONValue) {
        metas.withLock { $0.append(meta) }
        onUpdate(meta)
    }

    func enqueue(_ signature: Signature) {}
}

extension TaskContext {
    static func test(
        _ reporter: RecordingReporter = RecordingReporter(),
        cancellation: TaskCancellation = TaskCancellation()
    ) -> TaskContext {
        TaskContext(
            request: TaskRequest(headers: TaskHeaders(task: "test", id: "1"), queue: "pdf", hostname: "test"),
            logger: Logger(label: "test"),
            cancellation: cancellation,
            reporter: reporter
        )
    }
}

/// A PDF file as the poppler commands see it.
struct PDFReading {
    let path: String

    /// The number of pages.
    func pages() throws -> Int {
        let line = try ShellCommand.output("pdfinfo", path).split(separator: "\n").first { $0.hasPrefix("Pages:") }
        return line.flatMap { Int($0.dropFirst(6).trimmingCharacters(in: .whitespaces)) } ?? 0
    }

    /// The text of a page, counted from 1, as it is laid out.
    func text(page: Int) throws -> String {
        try ShellCommand.output("pdftotext", "-layout", "-f", String(page), "-l", String(page), path, "-")
    }

    /// The text of all pages with every run of spaces and line ends as one space.
    func flatText() throws -> String {
        try ShellCommand.output("pdftotext", path, "-").split(whereSeparator: \.isWhitespace).joined(separator: " ")
    }
}
