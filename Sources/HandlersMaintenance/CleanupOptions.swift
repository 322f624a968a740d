import CeleriacTasks
import CeleryMessage
import Databases
import Logging

/// The options of `maintenance.cleanup_old_logs`.
struct CleanupOptions: Sendable {
    /// Files to delete: those below a folder whose name fits a pattern.
    struct Files: Sendable, Hashable {
        /// An absolute path.
        var root: String
        /// Shell patterns for names, such as `*.log.*`.
        var patterns: [String]
        /// Whether folders below are searched too.
        var isRecursive: Bool
    }

    /// Rows to delete, a batch at a time.
    struct Rows: Sendable {
        /// The name in the result.
        var name: String
        var database: SQLiteDatabase
        /// Deletes at most `:limit` rows older than `:before`.
        var statement: String
        /// Counts the rows older than `:before`, for a dry run.
        var count: String?
        /// Rows per batch.
        var batch: Int
        /// Between two batches, so that others get to write.
        var pause: Duration
    }

    var retention: Retention
    var isDryRun: Bool
    var files: [Files]
    var rows: [Rows]
    /// The wall clock.
    var now: @Sendable () -> Instant = Instant.now

    /// Reads and checks the options; databases are opened by the first run.
    init(_ setup: HandlerSetup) throws(HandlerOptionError) {
        let options = setup.options
        try options.refuseUnknown(except: ["days", "dry_run", "files", "rows"])
        retention = Retention(days: try options.int("days", in: Retention.range) ?? 90)
        isDryRun = try options.bool("dry_run") ?? false
        files = try (options.blocks("files") ?? []).map { (block) throws(HandlerOptionError) in
            try Files(block, setup)
        }
        rows = try (options.blocks("rows") ?? []).map { (block) throws(HandlerOptionError) in
            try Rows(block, setup)
        }
        guard !files.isEmpty || !rows.isEmpty else {
            throw HandlerOptionError(path: options.path, message: "give 'files', 'rows' or both: what is to be deleted")
        }
    }
}

extension CleanupOptions.Files {
    fileprivate init(_ options: OptionReader, _ setup: HandlerSetup) throws(HandlerOptionError) {
        try options.refuseUnknown(except: ["root", "pattern", "recursive"])
        root = setup.path(try options.requiredString("root"))
        guard root.split(separator: "/").isEmpty == false else {
            throw options.error("root", "must not be the root of the file system")
        }
        patterns = try options.strings("pattern") ?? ["*.log", "*.log.*"]
        guard !patterns.isEmpty, patterns.allSatisfy({ !$0.isEmpty && !$0.contains("/") }) else {
            throw options.error("pattern", "must be patterns for file names, such as '*.log.*'")
        }
        isRecursive = try options.bool("recursive") ?? false
    }
}

extension CleanupOptions.Rows {
    fileprivate init(_ options: OptionReader, _ setup: HandlerSetup) throws(HandlerOptionError) {
        try options.refuseUnknown(except: ["name", "database", "statement", "count", "batch", "pause"])
        name = try options.requiredString("name")
        database = try options.database("database", setup, mode: .readWrite)
        statement = try options.requiredSQL("statement", naming: ["limit"], oneOf: ["before", "before_unix"])
        count = try options.sql("count", oneOf: ["before", "before_unix"])
        batch = try options.int("batch", in: 1...100_000) ?? 1_000
        let seconds = try options.number("pause") ?? 0.02
        guard (0...60).contains(seconds) else { throw options.error("pause", "must be between 0 and 60 seconds") }
        pause = .seconds(seconds)
    }
}

extension OptionReader {
    /// A database: `{sqlite: path}`.
    func database(
        _ key: String,
        _ setup: HandlerSetup,
        mode: SQLiteDatabase.Mode
    ) throws(HandlerOptionError) -> SQLiteDatabase {
        guard let block = try block(key) else { throw error(key, "is required: {sqlite: path}") }
        try block.refuseUnknown(except: ["sqlite"])
        return SQLiteDatabase(path: setup.path(try block.requiredString("sqlite")), mode: mode)
    }

    /// A statement that must be there, name all of `naming` and at least one of `oneOf`.
    func requiredSQL(
        _ key: String,
        naming: [String] = [],
        oneOf: [String] = []
    ) throws(HandlerOptionError) -> String {
        guard let text = try sql(key, naming: naming, oneOf: oneOf) else { throw error(key, "is required") }
        return text
    }

    /// A statement that must name all of `naming` and at least one of `oneOf`, or `nil` when absent.
    func sql(
        _ key: String,
        naming: [String] = [],
        oneOf: [String] = []
    ) throws(HandlerOptionError) -> String? {
        guard let text = try string(key) else { return nil }
        let names: [String]
        do throws(SQLError) { names = try NamedSQL(text).names } catch { throw self.error(key, error.message) }
        for name in naming where !names.contains(name) { throw error(key, "must use :\(name)") }
        guard oneOf.isEmpty || oneOf.contains(where: names.contains) else {
            throw error(key, "must use \(oneOf.map { ":" + $0 }.joined(separator: " or "))")
        }
        return text
    }
}
