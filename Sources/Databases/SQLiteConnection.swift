import Dispatch
import Foundation
import GRDB

/// One open connection to a SQLite file, on a serial queue of its own.
final class SQLiteConnection: Sendable {
    private let queue: DatabaseQueue

    private init(_ queue: DatabaseQueue) {
        self.queue = queue
    }

    /// Opens a file off the cooperative threads: it may wait for another process up to the busy timeout.
    static func open(path: String, mode: SQLiteDatabase.Mode) async throws -> SQLiteConnection {
        try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global().async {
                continuation.resume(with: Result { try openNow(path: path, mode: mode) })
            }
        }
    }

    private static func openNow(path: String, mode: SQLiteDatabase.Mode) throws -> SQLiteConnection {
        guard mode == .create || FileManager.default.fileExists(atPath: path) else {
            throw SQLError(.cannotOpen, "there is no database file \(path)")
        }
        do {
            return SQLiteConnection(try DatabaseQueue(path: path, configuration: configuration(mode)))
        } catch let error as DatabaseError {
            let reason = error.message ?? error.resultCode.description
            let code: SQLError.Code = error.resultCode == .SQLITE_BUSY ? .busy : .cannotOpen
            throw SQLError(code, "the database file \(path) cannot be opened: \(reason)")
        }
    }

    private static func configuration(_ mode: SQLiteDatabase.Mode) -> Configuration {
        var configuration = Configuration()
        configuration.readonly = mode == .readOnly
        configuration.journalMode = mode == .readOnly ? .default : .wal
        configuration.busyMode = .timeout(Double(SQLiteDatabase.busyTimeout.components.seconds))
        // A transaction spans several accesses here: its body is asynchronous.
        configuration.allowsUnsafeTransactions = true
        return configuration
    }

    // MARK: - Statements

    func prepare(_ statement: NamedSQL) async throws {
        try await access { database in _ = try database.makeStatement(sql: statement.numbered) }
    }

    func execute(_ statement: NamedSQL, _ values: [SQLValue]) async throws -> Int {
        try await access { database in
            let before = database.totalChangesCount
            try database.execute(sql: statement.numbered, arguments: Self.arguments(values))
            return database.totalChangesCount - before
        }
    }

    func read(
        _ statement: NamedSQL,
        _ values: [SQLValue],
        batch: Int,
        _ body: ([SQLRow]) async throws -> Void
    ) async throws {
        precondition(batch > 0, "a batch has at least one row")
        let cursor = OpenCursor()
        do {
            var rows = try await access { database in
                try cursor.open(statement.numbered, Self.arguments(values), in: database)
                return try cursor.next(batch)
            }
            while !rows.isEmpty {
                try await body(rows)
                guard rows.count == batch else { break }
                rows = try await access { _ in try cursor.next(batch) }
            }
        } catch {
            await uncancelledAccess { _ in cursor.close() }
            throw error
        }
        await uncancelledAccess { _ in cursor.close() }
    }

    // MARK: - Transactions

    func begin(_ mode: SQLiteDatabase.Mode) async throws {
        // Immediate: taking the write lock later could fail in the middle.
        try await access { try $0.beginTransaction(mode == .readOnly ? .deferred : .immediate) }
    }

    func commit() async throws {
        try await access { try $0.commit() }
    }

    /// Takes the changes back, in a cancelled task too.
    func rollBack() async {
        await uncancelledAccess { database in
            // An interrupted write has already rolled back by itself. A failing rollback leaves nothing to do:
            // SQLite drops the transaction with the connection.
            if database.isInsideTransaction { try? database.rollback() }
        }
    }

    // MARK: - Access

    private func access<Value: Sendable>(_ body: @Sendable (Database) throws -> Value) async throws -> Value {
        do {
            return try await withoutActuallyEscaping(body) { body in
                try await queue.writeWithoutTransaction(body)
            }
        } catch let error as DatabaseError {
            throw SQLError(error)
        }
    }

    private func uncancelledAccess(_ body: @escaping @Sendable (Database) -> Void) async {
        await withCheckedContinuation { continuation in
            queue.asyncWriteWithoutTransaction { database in
                body(database)
                continuation.resume()
            }
        }
    }

    private static func arguments(_ values: [SQLValue]) -> StatementArguments {
        StatementArguments(values.map(\.databaseValue))
    }
}

/// A result that is being read, between two accesses to its connection.
private final class OpenCursor: @unchecked Sendable {
    // Guarded by the connection's queue: every method is called from an access to it.
    private var rows: RowCursor?
    private var columns = SQLColumns([])

    func open(_ sql: String, _ arguments: StatementArguments, in database: Database) throws {
        let statement = try database.makeStatement(sql: sql)
        columns = SQLColumns(statement.columnNames)
        rows = try Row.fetchCursor(statement, arguments: arguments)
    }

    func next(_ count: Int) throws -> [SQLRow] {
        var batch: [SQLRow] = []
        while batch.count < count, let row = try rows?.next() {
            // The cursor uses the same row again for the next one, so its values are taken out at once.
            batch.append(SQLRow(columns: columns, values: row.databaseValues.map(SQLValue.init)))
        }
        return batch
    }

    func close() {
        rows = nil
    }
}

extension SQLValue {
    init(_ value: DatabaseValue) {
        switch value.storage {
        case .null: self = .null
        case .int64(let value): self = .int(value)
        case .double(let value): self = .double(value)
        case .string(let value): self = .text(value)
        case .blob(let value): self = .bytes(Array(value))
        }
    }

    fileprivate var databaseValue: DatabaseValue {
        switch self {
        case .null: .null
        case .bool(let value): (value ? 1 : 0).databaseValue
        case .int(let value): value.databaseValue
        case .double(let value): value.databaseValue
        case .decimal(let text), .text(let text): text.databaseValue
        case .timestamp(let date): Self.utcText(date).databaseValue
        case .bytes(let bytes): Data(bytes).databaseValue
        }
    }
}

extension SQLError {
    /// Translates the engine's error; the message leaves the arguments out.
    init(_ error: DatabaseError) {
        let reason = error.message ?? error.resultCode.description
        switch error.resultCode {
        case .SQLITE_ERROR, .SQLITE_MISUSE, .SQLITE_RANGE: self.init(.invalidStatement, reason)
        case .SQLITE_READONLY: self.init(.readOnly, reason)
        case .SQLITE_BUSY, .SQLITE_LOCKED: self.init(.busy, reason)
        case .SQLITE_CONSTRAINT: self.init(.constraint, reason)
        case .SQLITE_CANTOPEN, .SQLITE_NOTADB, .SQLITE_AUTH, .SQLITE_PERM: self.init(.cannotOpen, reason)
        default: self.init(.failed, "\(reason) (\(error.resultCode))")
        }
    }
}
