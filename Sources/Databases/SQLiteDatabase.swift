/// A SQLite database file behind ``SQLDatabase``.
///
/// Connections are opened when first used and kept: up to ``maximumReaders`` that can only read, and one that writes.
/// Each works on a queue of its own, never on Swift's cooperative threads. Write-ahead logging is switched on, so
/// readers do not wait for the writer, in this process or another. `:memory:` is not supported: every connection would
/// see its own.
public final class SQLiteDatabase: SQLDatabase {
    /// What a database may be opened for.
    public enum Mode: Sendable, Hashable {
        /// Queries only. The file must exist; where it uses write-ahead logging, its folder must be writable all the
        /// same.
        case readOnly
        /// Queries and changes. The file must exist, so that a misspelt path is an error and not an empty database.
        case readWrite
        /// Queries and changes; a missing file is created.
        case create
    }

    /// How many queries may run at once before further ones wait their turn.
    public static let maximumReaders = 4
    /// How long a statement waits for another process to let go of the database before it fails as busy.
    public static let busyTimeout: Duration = .seconds(5)

    /// Where the file is.
    public let path: String
    /// What the database was opened for.
    public let mode: Mode
    private let readers: ConnectionPool<SQLiteConnection>
    private let writer: ConnectionPool<SQLiteConnection>

    /// Describes a database; the file is opened by the first statement.
    public init(path: String, mode: Mode) {
        self.path = path
        self.mode = mode
        readers = ConnectionPool(limit: Self.maximumReaders) {
            // A reader cannot create the file.
            if mode == .create { _ = try await SQLiteConnection.open(path: path, mode: .create) }
            return try await SQLiteConnection.open(path: path, mode: .readOnly)
        }
        writer = ConnectionPool(limit: 1) {
            try await SQLiteConnection.open(path: path, mode: mode)
        }
    }

    /// Opens the file now and reads its header, to find out early whether it is a database that can be used.
    ///
    /// - Throws: ``SQLError/Code/cannotOpen``.
    public func check() async throws {
        let pool = mode == .readOnly ? readers : writer
        _ = try await pool.withConnection { try await $0.execute(NamedSQL("PRAGMA schema_version"), []) }
    }

    /// Checks that a statement fits the database, its tables and columns, without running it.
    ///
    /// - Throws: ``SQLError/Code/invalidStatement``.
    public func check(statement sql: String) async throws {
        let statement = try NamedSQL(sql)
        let pool = mode == .readOnly ? readers : writer
        try await pool.withConnection { try await $0.prepare(statement) }
    }

    /// Runs a query on one of the reading connections; see ``SQLDatabase/read(_:_:batch:_:)``.
    ///
    /// A long read keeps the write-ahead log from shrinking: hand batches on quickly, or read less at a time.
    public func read(
        _ sql: String,
        _ arguments: [String: SQLValue],
        batch: Int,
        _ body: ([SQLRow]) async throws -> Void
    ) async throws {
        let statement = try NamedSQL(sql)
        let values = try statement.values(from: arguments)
        try await readers.withConnection { connection in
            try await connection.read(statement, values, batch: batch, body)
        }
    }

    /// Runs one change on the writing connection; see ``SQLDatabase/execute(_:_:)``.
    @discardableResult
    public func execute(_ sql: String, _ arguments: [String: SQLValue]) async throws -> Int {
        let statement = try NamedSQL(sql)
        let values = try statement.values(from: arguments)
        try refuseIfReadOnly()
        return try await writer.withConnection { try await $0.execute(statement, values) }
    }

    /// Runs a transaction on the writing connection, taking the write lock at its start; see
    /// ``SQLDatabase/transaction(_:)``.
    ///
    /// On a database opened for reading only, it makes several queries see the same snapshot.
    public func transaction<Result>(_ body: (any SQLDatabase) async throws -> Result) async throws -> Result {
        let pool = mode == .readOnly ? readers : writer
        return try await pool.withConnection { connection in
            let transaction = SQLiteTransaction(connection)
            defer { transaction.end() }
            try await connection.begin(mode)
            do {
                let result = try await body(transaction)
                try await connection.commit()
                return result
            } catch {
                await connection.rollBack()
                throw error
            }
        }
    }

    private func refuseIfReadOnly() throws(SQLError) {
        guard mode != .readOnly else { throw SQLError(.readOnly, "the database is open for reading only") }
    }
}
