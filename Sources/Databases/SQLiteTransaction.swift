import Synchronization

/// The writing connection of a ``SQLiteDatabase`` while a transaction holds it.
final class SQLiteTransaction: SQLDatabase {
    private let connection: SQLiteConnection
    private let hasEnded = Atomic(false)

    init(_ connection: SQLiteConnection) {
        self.connection = connection
    }

    /// Turns every later use into an error: the connection belongs to somebody else then.
    func end() {
        hasEnded.store(true, ordering: .releasing)
    }

    func read(
        _ sql: String,
        _ arguments: [String: SQLValue],
        batch: Int,
        _ body: ([SQLRow]) async throws -> Void
    ) async throws {
        let statement = try NamedSQL(sql)
        let values = try statement.values(from: arguments)
        try refuseIfEnded()
        try await connection.read(statement, values, batch: batch, body)
    }

    func execute(_ sql: String, _ arguments: [String: SQLValue]) async throws -> Int {
        let statement = try NamedSQL(sql)
        let values = try statement.values(from: arguments)
        try refuseIfEnded()
        return try await connection.execute(statement, values)
    }

    func transaction<Result>(_ body: (any SQLDatabase) async throws -> Result) async throws -> Result {
        throw SQLError(.misuse, "transactions do not nest")
    }

    private func refuseIfEnded() throws(SQLError) {
        guard !hasEnded.load(ordering: .acquiring) else { throw SQLError(.misuse, "the transaction has ended") }
    }
}
