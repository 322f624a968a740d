/// A database that runs configured SQL: the little that handlers need, the same for every engine.
///
/// Statements name their parameters, `where id = :id`, and get values for them as arguments; text is never pasted into
/// SQL. A parameter without an argument is an error, not NULL; an argument the statement does not name is ignored.
/// Every method may be called by several tasks at once. Cancelling the task interrupts a running statement and throws
/// `CancellationError`; every other error is a ``SQLError``, or what the given closure threw.
public protocol SQLDatabase: Sendable {
    /// Runs a query and hands its rows over in batches, while the result is still being read.
    ///
    /// The next batch is read when `body` returns, so a slow reader holds the database back and memory stays flat. All
    /// batches come from one snapshot. Once `body` throws, nothing more is read. A query without rows never calls it.
    ///
    /// - Parameters:
    ///   - sql: One statement that only reads.
    ///   - arguments: A value for each parameter, without the colon.
    ///   - batch: The most rows in a batch, 1 or more.
    ///   - body: Gets one or more rows at a time.
    func read(
        _ sql: String,
        _ arguments: [String: SQLValue],
        batch: Int,
        _ body: ([SQLRow]) async throws -> Void
    ) async throws

    /// Runs one statement that changes data, by itself or inside the running transaction.
    ///
    /// - Returns: The number of rows that were inserted, changed or deleted.
    @discardableResult
    func execute(_ sql: String, _ arguments: [String: SQLValue]) async throws -> Int

    /// Runs `body` in a transaction: all of its changes stay, or, when it throws or the task is cancelled, none.
    ///
    /// Use only the database given to `body` inside of it, and not after it: anything else runs outside of the
    /// transaction and may wait for its end. Transactions do not nest.
    func transaction<Result>(_ body: (any SQLDatabase) async throws -> Result) async throws -> Result
}

extension SQLDatabase {
    /// Runs a query and hands its rows over in batches of 500.
    public func read(
        _ sql: String,
        _ arguments: [String: SQLValue] = [:],
        _ body: ([SQLRow]) async throws -> Void
    ) async throws {
        try await read(sql, arguments, batch: 500, body)
    }

    /// Runs a query whose result is small and returns all of its rows.
    ///
    /// - Parameter limit: More rows than these are an error (``SQLError/Code/failed``), so that a wrong query cannot
    ///   fill the memory.
    public func rows(
        _ sql: String,
        _ arguments: [String: SQLValue] = [:],
        limit: Int = 10_000
    ) async throws -> [SQLRow] {
        var rows: [SQLRow] = []
        try await read(sql, arguments) { batch in
            rows += batch
            guard rows.count <= limit else {
                throw SQLError(.failed, "the query returned more than \(limit) rows")
            }
        }
        return rows
    }

    /// Runs a query and returns its first row, or nil when it has none; no further row is read.
    public func firstRow(_ sql: String, _ arguments: [String: SQLValue] = [:]) async throws -> SQLRow? {
        var first: SQLRow?
        do {
            try await read(sql, arguments, batch: 1) { batch in
                first = batch.first
                throw EnoughRows()
            }
        } catch is EnoughRows {}
        return first
    }

    /// Runs one statement without arguments that changes data.
    @discardableResult
    public func execute(_ sql: String) async throws -> Int {
        try await execute(sql, [:])
    }
}

/// Ends a read early from inside its closure.
private struct EnoughRows: Error {}
