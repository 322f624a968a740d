import Databases
import Foundation
import TestSupport
import Testing

struct SQLiteDatabaseTests {
    private let folder: ScratchFolder
    private let database: SQLiteDatabase
    private var path: String { folder.file("test.sqlite") }

    init() async throws {
        folder = try ScratchFolder()
        database = SQLiteDatabase(path: folder.file("test.sqlite"), mode: .create)
        try await database.execute("CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT UNIQUE, price)")
    }

    private func fill(_ count: Int) async throws {
        try await database.transaction { transaction in
            for id in 1...count {
                try await transaction.execute(
                    "INSERT INTO items VALUES (:id, :name, :price)",
                    ["id": .int(Int64(id)), "name": .text("ürün \(id)"), "price": .decimal("\(id).50")]
                )
            }
        }
    }

    private func count() async throws -> Int64? {
        try await database.firstRow("SELECT count(*) AS n FROM items")?["n"]?.integer
    }

    @Test func `hands rows over in batches and in order`() async throws {
        try await fill(25)
        var sizes: [Int] = []
        var ids: [Int64?] = []
        try await database.read("SELECT id FROM items ORDER BY id", [:], batch: 10) { rows in
            sizes.append(rows.count)
            ids += rows.map { $0["id"]?.integer }
        }
        #expect(sizes == [10, 10, 5])
        #expect(ids == Array(1...25))
    }

    @Test func `never calls the closure for a query without rows`() async throws {
        try await database.read("SELECT * FROM items") { _ in Issue.record("there are no rows") }
    }

    @Test func `stops reading when the closure throws`() async throws {
        struct Stop: Error {}
        try await fill(25)
        var batches = 0
        await #expect(throws: Stop.self) {
            try await database.read("SELECT * FROM items", [:], batch: 5) { _ in
                batches += 1
                throw Stop()
            }
        }
        #expect(batches == 1)
        #expect(try await database.execute("DELETE FROM items") == 25)
    }

    @Test func `reads one snapshot while another connection writes`() async throws {
        try await fill(10)
        var seen = 0
        try await database.read("SELECT * FROM items", [:], batch: 2) { rows in
            seen += rows.count
            try await database.execute("DELETE FROM items")
        }
        #expect(seen == 10)
        #expect(try await count() == 0)
    }

    @Test func `brings every kind of value back`() async throws {
        let moment = Date(timeIntervalSince1970: 1_800_000_000.25)
        let row = try #require(
            try await database.firstRow(
                """
                SELECT :null AS n, :flag AS f, :int AS i, :double AS d, :decimal AS c, :text AS t, :moment AS m,
                    :bytes AS b
                """,
                [
                    "null": nil, "flag": true, "int": .int(.max), "double": .double(0.5), "decimal": .decimal("10.10"),
                    "text": "ğüşıöç İĞÜŞÖÇ", "moment": .timestamp(moment), "bytes": .bytes([0, 255]),
                ]
            )
        )
        #expect(
            row.values == [
                .null, .int(1), .int(.max), .double(0.5), .text("10.10"), .text("ğüşıöç İĞÜŞÖÇ"),
                .text("2027-01-15 08:00:00.250"), .bytes([0, 255]),
            ]
        )
        #expect(row.columns.names == ["n", "f", "i", "d", "c", "t", "m", "b"])
        #expect(row["missing"] == nil)
    }

    @Test func `refuses a parameter without an argument and ignores a further argument`() async throws {
        await #expect(throws: SQLError(.missingArgument, "")) {
            try await database.firstRow("SELECT :a, :b", ["a": 1])
        }
        #expect(try await database.firstRow("SELECT :a AS a", ["a": 1, "b": 2])?["a"] == .int(1))
    }

    @Test func `takes an argument as a value and not as SQL`() async throws {
        try await fill(3)
        let rows = try await database.rows("SELECT * FROM items WHERE name = :name", ["name": "x' OR '1'='1"])
        #expect(rows.isEmpty)
    }

    @Test(arguments: ["SELECT * FROM nowhere", "SELEC 1", "SELECT 1; SELECT 2", "SELECT missing FROM items"])
    func `says that a statement is wrong`(sql: String) async throws {
        await #expect(throws: SQLError(.invalidStatement, "")) { try await database.rows(sql) }
        await #expect(throws: SQLError(.invalidStatement, "")) { try await database.check(statement: sql) }
    }

    @Test func `refuses writes on a reading connection`() async throws {
        await #expect(throws: SQLError(.readOnly, "")) { try await database.rows("DELETE FROM items RETURNING id") }
        let reader = SQLiteDatabase(path: path, mode: .readOnly)
        await #expect(throws: SQLError(.readOnly, "")) { try await reader.execute("DELETE FROM items") }
        await #expect(throws: SQLError(.readOnly, "")) {
            try await reader.transaction { try await $0.execute("DELETE FROM items", [:]) }
        }
    }

    @Test(arguments: [SQLiteDatabase.Mode.readOnly, .readWrite])
    func `does not create a missing file unless asked to`(mode: SQLiteDatabase.Mode) async throws {
        let missing = folder.file("missing.sqlite")
        await #expect(throws: SQLError(.cannotOpen, "")) {
            try await SQLiteDatabase(path: missing, mode: mode).check()
        }
        #expect(!FileManager.default.fileExists(atPath: missing))
    }

    @Test func `says that a file is not a database`() async throws {
        let text = try folder.write(Data(String(repeating: "not a database ", count: 500).utf8), to: "text.sqlite")
        await #expect(throws: SQLError(.cannotOpen, "")) {
            try await SQLiteDatabase(path: text, mode: .readOnly).check()
        }
    }

    @Test func `names a broken constraint without the values`() async throws {
        try await fill(1)
        let error = try await #require(throws: SQLError.self) {
            try await database.execute("INSERT INTO items VALUES (2, :name, 0)", ["name": "ürün 1"])
        }
        #expect(error.code == .constraint)
        #expect(!error.message.contains("ürün"))
    }

    @Test func `keeps nothing of a transaction that throws`() async throws {
        struct Stop: Error {}
        await #expect(throws: Stop.self) {
            try await database.transaction { transaction in
                try await transaction.execute("INSERT INTO items VALUES (1, 'a', 0)", [:])
                #expect(try await transaction.rows("SELECT * FROM items").count == 1)
                throw Stop()
            }
        }
        #expect(try await count() == 0)
    }

    @Test func `keeps nothing of a transaction whose task is cancelled`() async throws {
        let (started, begin) = AsyncStream.makeStream(of: Void.self)
        let task = Task {
            try await database.transaction { transaction in
                try await transaction.execute("INSERT INTO items VALUES (1, 'a', 0)", [:])
                begin.finish()
                try await transaction.read(Self.endless) { _ in }
            }
        }
        for await _ in started {}
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(try await count() == 0)
        #expect(try await database.execute("INSERT INTO items VALUES (1, 'a', 0)") == 1)
    }

    private static let endless = """
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n
        """

    @Test func `interrupts a running query when the task is cancelled`() async throws {
        let task = Task { try await database.rows(Self.endless) }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(try await count() == 0)
    }

    @Test func `waits for a free reader, and leaves the line when cancelled`() async throws {
        try await fill(10)
        let (started, begin) = AsyncStream.makeStream(of: Void.self)
        let (held, release) = AsyncStream.makeStream(of: Void.self)
        let holders = (0..<SQLiteDatabase.maximumReaders).map { _ in
            Task {
                try await database.read("SELECT * FROM items", [:], batch: 1) { _ in
                    begin.yield()
                    for await _ in held {}
                }
            }
        }
        var running = 0
        for await _ in started {
            running += 1
            if running == holders.count { break }
        }
        let waiter = Task { try await count() }
        waiter.cancel()
        await #expect(throws: CancellationError.self) { try await waiter.value }
        let patient = Task { try await count() }
        release.finish()
        begin.finish()
        #expect(try await patient.value == 10)
        for holder in holders { try await holder.value }
    }

    @Test func `refuses a nested transaction, and a transaction after its end`() async throws {
        var kept: (any SQLDatabase)?
        try await database.transaction { transaction in
            kept = transaction
            await #expect(throws: SQLError(.misuse, "")) { try await transaction.transaction { _ in } }
        }
        let ended = try #require(kept)
        await #expect(throws: SQLError(.misuse, "")) { try await ended.execute("DELETE FROM items", [:]) }
    }

    @Test func `bounds a result that is read whole`() async throws {
        try await fill(11)
        await #expect(throws: SQLError(.failed, "")) { try await database.rows("SELECT * FROM items", limit: 10) }
    }

    @Test func `sees one snapshot in a reading transaction`() async throws {
        try await fill(3)
        let reader = SQLiteDatabase(path: path, mode: .readOnly)
        try await reader.transaction { snapshot in
            #expect(try await snapshot.rows("SELECT * FROM items").count == 3)
            try await database.execute("DELETE FROM items")
            #expect(try await snapshot.rows("SELECT * FROM items").count == 3)
        }
        #expect(try await reader.rows("SELECT * FROM items").isEmpty)
    }
}

struct DemoDatabaseTests {
    private let folder: ScratchFolder
    private var path: String { folder.file("data/demo.sqlite") }

    init() throws {
        folder = try ScratchFolder()
    }

    private func dump() async throws -> [[SQLValue]] {
        let database = SQLiteDatabase(path: path, mode: .readOnly)
        var rows: [[SQLValue]] = []
        for table in ["companies", "mutabakatlar", "mutabakat_lines", "users", "activity_logs"] {
            rows += try await database.rows("SELECT * FROM \(table) ORDER BY 1, 2").map(\.values)
        }
        return rows
    }

    @Test func `makes the same rows again and keeps those of others`() async throws {
        let now = Date(timeIntervalSince1970: 1_800_000_000)
        try DemoDatabase.create(at: path, now: now)
        let first = try await dump()
        #expect(first.count > 400)
        let database = SQLiteDatabase(path: path, mode: .readWrite)
        try await database.execute("DELETE FROM activity_logs WHERE id < 50")
        try await database.execute("INSERT INTO activity_logs VALUES (5000, '2027-01-01 00:00:00.000', 'INFO', 'mine')")
        try DemoDatabase.create(at: path, now: now)
        #expect(try await dump().count == first.count + 1)
        try await database.execute("DELETE FROM activity_logs WHERE id = 5000")
        #expect(try await dump() == first)
    }

    @Test func `has logs on both sides of ninety days, and passwords of every age`() async throws {
        try DemoDatabase.create(at: path)
        let database = SQLiteDatabase(path: path, mode: .readOnly)
        let cutoff: [String: SQLValue] = ["cutoff": .timestamp(Date(timeIntervalSinceNow: -90 * 86_400))]
        let old = try await database.rows("SELECT id FROM activity_logs WHERE created_at < :cutoff", cutoff)
        #expect(old.count == 140)
        let expired = try await database.rows("SELECT id FROM users WHERE password_changed_at < :cutoff", cutoff)
        #expect(expired.count == 2)
    }

    @Test func `leaves a database of somebody else alone`() async throws {
        let database = SQLiteDatabase(path: folder.file("other.sqlite"), mode: .create)
        try await database.execute("CREATE TABLE users (id INTEGER)")
        #expect(throws: SQLError(.cannotOpen, "")) { try DemoDatabase.create(at: folder.file("other.sqlite")) }
        #expect(try await database.rows("SELECT name FROM sqlite_master").count == 1)
    }

    @Test func `is created once when several processes start together`() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<4 { group.addTask { try DemoDatabase.create(at: path, now: Date(timeIntervalSince1970: 0)) } }
            try await group.waitForAll()
        }
        #expect(try await dump().count > 400)
    }
}
