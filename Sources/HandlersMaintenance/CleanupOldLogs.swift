import CeleriacTasks
import CeleryMessage
import Databases
import Foundation
import Logging

/// Deletes log files and rows of log tables older than a number of days: `cleanup_old_logs(days=None, dry_run=None)`.
///
/// Every batch of rows is a transaction of its own; a run that is cancelled or dies has deleted some, and the next one
/// goes on from there.
struct CleanupOldLogs: TaskHandler {
    private static let parameters = Parameters(
        "cleanup_old_logs",
        [.optional("days", nil), .optional("dry_run", nil)]
    )
    /// Files between two progress reports.
    private static let reportEvery = 500
    let options: CleanupOptions

    /// The facts of one run.
    private struct Run {
        var cutoff: Instant
        var isDryRun: Bool
        var files = OldFiles.Tally()
        var rows: [(name: String, count: Int?)] = []

        var deletedRows: Int { rows.reduce(0) { $0 + ($1.count ?? 0) } }
    }

    func run(_ arguments: TaskArguments, context: TaskContext) async throws -> JSONValue {
        let bound = try Self.parameters.bind(arguments)
        let days = try bound.optionalInt("days") ?? options.retention.days
        guard Retention.range.contains(days) else {
            throw bound.wrongValue("days", "must be between 0 and \(Retention.range.upperBound)")
        }
        let isDryRun = bound.value("dry_run").isNull ? options.isDryRun : try bound.bool("dry_run")
        var run = Run(cutoff: Retention(days: days).cutoff(now: options.now()), isDryRun: isDryRun)
        run.files = try await deleteFiles(run, context: context)
        for rows in options.rows { run.rows.append((rows.name, try await delete(rows, run, context: context))) }
        return try result(of: run, days: days, context: context)
    }

    // MARK: Files

    /// Leaves the caller's executor: every call into the file system may take its time.
    @concurrent
    private func deleteFiles(_ run: Run, context: TaskContext) async throws -> OldFiles.Tally {
        var tally = OldFiles.Tally()
        for files in options.files {
            let old = OldFiles(files: files, cutoff: run.cutoff, isDryRun: run.isDryRun) { tally in
                guard (tally.deleted + tally.kept) % Self.reportEvery == 0 else { return }
                try context.checkCancellation()
                context.progress(
                    current: tally.deleted,
                    total: tally.deleted + tally.kept,
                    status: "\(tally.deleted) files deleted"
                )
            }
            try old.delete(&tally)
            try context.checkCancellation()
        }
        return tally
    }

    // MARK: Rows

    /// The number of rows deleted; in a dry run of those that would be, or `nil` when no query counts them.
    private func delete(_ rows: CleanupOptions.Rows, _ run: Run, context: TaskContext) async throws -> Int? {
        let arguments = Self.arguments(before: run.cutoff, batch: rows.batch)
        if run.isDryRun {
            guard let query = rows.count else { return nil }
            return try await rows.database.firstRow(query, arguments)?.values.first?.integer.map(Int.init) ?? 0
        }
        var deleted = 0
        while true {
            try context.checkCancellation()
            let count = try await execute(rows, arguments)
            deleted += count
            guard count > 0 else { return deleted }
            context.progress(
                current: deleted,
                total: deleted + rows.batch,
                status: "\(deleted) rows of \(rows.name) deleted"
            )
            guard count >= rows.batch else { return deleted }
            try await Task.sleep(for: rows.pause)
        }
    }

    private func execute(_ rows: CleanupOptions.Rows, _ arguments: [String: SQLValue]) async throws -> Int {
        do {
            return try await rows.database.execute(rows.statement, arguments)
        } catch let error as SQLError {
            throw TaskFailure.runtimeError("\(rows.name): \(error.message)")
        }
    }

    private static func arguments(before: Instant, batch: Int) -> [String: SQLValue] {
        [
            "before": .timestamp(Date(timeIntervalSince1970: before.seconds)),
            "before_unix": .int(before.microseconds / 1_000_000),
            "limit": .int(Int64(batch)),
        ]
    }

    // MARK: Result

    private func result(of run: Run, days: Int, context: TaskContext) throws -> JSONValue {
        for error in run.files.errors { context.logger.warning("cannot clean up \(error)") }
        guard run.files.errorCount == 0 || run.files.deleted + run.files.kept > 0 || !options.rows.isEmpty else {
            throw TaskFailure.runtimeError("no file could be looked at: \(run.files.errors.first ?? "")")
        }
        let deleted = run.files.deleted + run.deletedRows
        context.logger.info(
            "old logs \(run.isDryRun ? "counted" : "deleted")",
            metadata: [
                "days": "\(days)", "deleted": "\(deleted)", "files": "\(run.files.deleted)",
                "rows": "\(run.deletedRows)", "bytes": "\(run.files.bytes)", "errors": "\(run.files.errorCount)",
            ]
        )
        return [
            "days": .int(Int64(days)), "before": .string(ISO8601.string(run.cutoff)), "dry_run": .bool(run.isDryRun),
            "deleted": .int(Int64(deleted)), "deleted_files": .int(Int64(run.files.deleted)),
            "freed_bytes": .int(run.files.bytes), "kept_files": .int(Int64(run.files.kept)),
            "deleted_rows": .int(Int64(run.deletedRows)),
            "tables": .object(JSONObject(run.rows.map { ($0.name, $0.count.map { .int(Int64($0)) } ?? .null) })),
            "error_count": .int(Int64(run.files.errorCount)),
            "errors": .array(run.files.errors.map(JSONValue.string)),
        ]
    }
}
