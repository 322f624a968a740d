import CeleriacTasks
import CeleryMessage
import Databases
import FoundationEssentials

/// Makes the PDF of one statement: reads it, draws it, puts the file in its place.
///
/// Making it again writes the same file name, so a task that is delivered twice leaves one file.
struct StatementProducer: Sendable {
    private let options: StatementOptions
    private let source: StatementSource
    private let renderer: StatementRenderer

    /// Checks the options, the files they name and the font.
    init(_ setup: HandlerSetup) throws(HandlerOptionError) {
        let options = try Self.check(setup)
        do {
            try PDFFonts.check(options.design)
        } catch {
            throw HandlerOptionError(path: [error.isFile ? "font_files" : "font"], message: error.message)
        }
        self.options = options
        source = StatementSource(options)
        renderer = StatementRenderer(options.design)
    }

    /// Checks the options and the files they name, and answers the options; no library is loaded for it.
    @discardableResult
    static func check(_ setup: HandlerSetup) throws(HandlerOptionError) -> StatementOptions {
        let options = try StatementOptions(setup)
        for file in options.design.fontFiles where !FileManager.default.isReadableFile(atPath: file) {
            throw HandlerOptionError(path: ["font_files"], message: "\(file) cannot be read")
        }
        if let logo = options.design.logo {
            do {
                try PNGFile.check(logo)
            } catch {
                throw HandlerOptionError(path: ["logo"], message: error.message)
            }
        }
        return options
    }

    /// Reads one statement.
    func read(_ id: MutabakatID) async throws -> Statement {
        try await source.statement(id)
    }

    /// Draws a statement into its file; the file appears, or replaces an older one, only when it is complete.
    func print(_ statement: Statement, _ id: MutabakatID) async throws -> PDFFile {
        let name = try options.fileName.filled(options.locale) { _ in .text(id.text) }
        let folder = URL(filePath: options.outputFolder).standardizedFileURL.path
        return try await renderer.render(statement, folder: folder, name: name)
    }

    /// What an error that concerns not one statement but the whole setup means for the task; nil for any other error.
    static func taskError(_ error: any Error, _ context: TaskContext) -> (any Error)? {
        switch error {
        case let error as SQLError:
            let failure = TaskFailure(
                module: "sqlite3",
                type: "OperationalError",
                arguments: [.string("database: \(error.message)")]
            )
            return error.isTransient ? context.retry(cause: failure) : failure
        case let error as HandlerOptionError: return TaskFailure.runtimeError(error.description)
        case let error as OutputFileError:
            return TaskFailure(module: "builtins", type: "OSError", arguments: [.string(error.message)])
        case let error as RenderingError: return TaskFailure.runtimeError(error.message)
        default: return nil
        }
    }
}

/// A finished PDF file.
struct PDFFile: Sendable, Hashable {
    /// Its absolute path.
    var path: String
    var pages: Int
    var bytes: Int

    /// The result of the task that made it.
    func result(_ id: MutabakatID) -> JSONObject {
        [
            "mutabakat_id": id.value, "file": .string(path), "pages": .int(Int64(pages)), "bytes": .int(Int64(bytes)),
        ]
    }
}
