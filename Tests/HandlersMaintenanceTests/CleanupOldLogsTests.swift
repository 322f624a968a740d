import CeleriacTasks
import CeleryMessage
import Databases
import Foundation
import TestSupport
import Testing

@testable import HandlersMaintenance

struct CleanupOldFilesTests {
    private let folder: ScratchFolder

    init() throws { folder = try ScratchFolder() }

    /// Writes a file that was last changed so many days before noon.
    private func write(_ name: String, days: Double) throws {
        let path = try folder.write("logs/" + name, Array("0123456789".utf8))
        let date = Date(timeIntervalSince1970: noon.seconds - days * 86_400)
        try FileManager.default.setAttributes([.modificationDate: date], ofItemAtPath: path)
    }

    private func handler(_ options: JSONObject = [:], root: String = "logs") throws -> CleanupOldLogs {
        var all: JSONObject = ["days": 30, "files": [["root": .string(root), "pattern": "*.log", "recursive": true]]]
        for (key, value) in options { all[key] = value }
        var read = try CleanupOptions(setup(all, in: folder))
        read.now = { noon }
        return CleanupOldLogs(options: read)
    }

    @Test(arguments: [0, 0.001, 0.5]) func `keeps what is thirty days old and deletes what is older, at any hour`(
        hours: Double
    ) async throws {
        for days in [29.0, 30, 31] { try write("\(Int(days)).log", days: days + hours) }
        let result = try await run(handler())
        #expect(try folder.names(in: "logs") == ["29.log", "30.log"])
        #expect(result["deleted"] == 1)
        #expect(result["deleted_files"] == 1)
        #expect(result["kept_files"] == 2)
        #expect(result["freed_bytes"] == 10)
        #expect(result["days"] == 30)
        #expect(result["before"] == .string(ISO8601.string(noon - .seconds(31 * 86_400))))
    }

    @Test func `takes the days from the argument before the option`() async throws {
        for days in [6.0, 7, 8, 31] { try write("\(Int(days)).log", days: days) }
        let result = try await run(handler(), ["days": 7])
        #expect(result["deleted"] == 2)
        #expect(try folder.names(in: "logs") == ["6.log", "7.log"])
    }

    @Test func `only counts in a dry run`() async throws {
        try write("old.log", days: 100)
        let result = try await run(handler(), ["dry_run": true])
        #expect(result["deleted"] == 1)
        #expect(result["dry_run"] == true)
        #expect(try folder.names(in: "logs") == ["old.log"])
        #expect(try await run(handler(["dry_run": true]), ["dry_run": false])["deleted"] == 1)
        #expect(try folder.names(in: "logs") == [])
    }

    @Test func `deletes only plain files whose name fits`() async throws {
        try write("old.log", days: 100)
        try write("old.txt", days: 100)
        try write(".hidden.log", days: 100)
        try write("below/old.log", days: 100)
        try write("folder.log/keep.txt", days: 100)
        let result = try await run(handler())
        #expect(result["deleted"] == 2)
        #expect(try folder.names(in: "logs") == [".hidden.log", "below", "folder.log", "old.txt"])
        #expect(try folder.names(in: "logs/below") == [])
    }

    @Test func `stays out of folders below unless told`() async throws {
        try write("below/old.log", days: 100)
        let result = try await run(handler(["files": [["root": "logs"]]]))
        #expect(result["deleted"] == 0)
    }

    @Test func `never follows or deletes a link`() async throws {
        try folder.write("outside/old.log", [1])
        try write("x.txt", days: 1)
        let old = Date(timeIntervalSince1970: noon.seconds - 100 * 86_400)
        try FileManager.default.setAttributes([.modificationDate: old], ofItemAtPath: folder.file("outside/old.log"))
        try FileManager.default.createSymbolicLink(atPath: folder.file("logs/link"), withDestinationPath: "../outside")
        try FileManager.default.createSymbolicLink(
            atPath: folder.file("logs/a.log"),
            withDestinationPath: "../outside/old.log"
        )
        let result = try await run(handler())
        #expect(result["deleted"] == 0)
        #expect(try folder.names(in: "outside") == ["old.log"])
        #expect(try folder.names(in: "logs") == ["a.log", "link", "x.txt"])
    }

    @Test func `fails when no folder can be searched and goes on when one can`() async throws {
        let failure = await #expect(throws: TaskFailure.self) { try await run(handler(root: "none")) }
        #expect(failure?.message.contains("none: No such file or directory") == true)
        try write("old.log", days: 100)
        let both: JSONValue = [["root": "none"], ["root": "logs"]]
        let result = try await run(handler(["files": both]))
        #expect(result["deleted"] == 1)
        #expect(result["error_count"] == 1)
        #expect(result["errors"]?.array?.first?.string?.hasSuffix("No such file or directory") == true)
    }

    @Test func `gives way when cancelled`() async throws {
        for number in 0..<1_200 { try write("\(number).log", days: 100) }
        let cancellation = TaskCancellation()
        let reporter = RecordingReporter { cancellation.cancel(.softTimeLimit) }
        let failure = await #expect(throws: TaskFailure.self) {
            try await run(handler(), reporter: reporter, cancellation: cancellation)
        }
        #expect(failure?.type == "SoftTimeLimitExceeded")
        #expect(try folder.names(in: "logs").count == 200)
    }

    @Test(
        arguments: [
            (["days": "x"], "TypeError"), (["days": -1], "ValueError"), (["dry_run": 1], "TypeError"),
            (["day": 1], "TypeError"),
        ] as [(JSONObject, String)]
    )
    func `names the argument that is wrong`(kwargs: JSONObject, type: String) async throws {
        let failure = await #expect(throws: TaskFailure.self) { try await run(handler(), kwargs) }
        #expect(failure?.type == type)
    }
}

struct CleanupOldRowsTests {
    private let folder: ScratchFolder
    private let database: SQLiteDatabase
    private static let delete =
        "delete from logs where id in (select id from logs where created_at < :before order by id limit :limit)"

    init() async throws {
        folder = try ScratchFolder()
        database = SQLiteDatabase(path: folder.file("data.db"), mode: .create)
        try await database.execute("create table logs (id integer primary key, created_at text not null)")
    }

    private func add(_ count: Int, days: Double) async throws {
        let date = Date(timeIntervalSince1970: noon.seconds - days * 86_400)
        try await database.transaction { transaction in
            for _ in 0..<count {
                try await transaction.execute(
                    "insert into logs (created_at) values (:date)",
                    ["date": .timestamp(date)]
                )
            }
        }
    }

    private func handler(_ rows: JSONObject = [:]) throws -> CleanupOldLogs {
        var block: JSONObject = [
            "name": "logs", "database": ["sqlite": "data.db"], "statement": .string(Self.delete), "batch": 10,
            "pause": 0,
            "count": "select count(*) from logs where created_at < :before",
        ]
        for (key, value) in rows { block[key] = value }
        var read = try CleanupOptions(setup(["days": 30, "rows": [.object(block)]], in: folder))
        read.now = { noon }
        return CleanupOldLogs(options: read)
    }

    private func count() async throws -> Int64? {
        try await database.firstRow("select count(*) from logs")?.values.first?.integer
    }

    @Test func `deletes old rows batch by batch`() async throws {
        try await add(45, days: 31.5)
        try await add(3, days: 30.5)
        try await add(2, days: 0)
        let reporter = RecordingReporter()
        let result = try await run(handler(), reporter: reporter)
        #expect(result["deleted_rows"] == 45)
        #expect(result["tables"] == ["logs": 45])
        #expect(try await count() == 5)
        #expect(reporter.updates.map { $0["current"] } == [10, 20, 30, 40, 45])
    }

    @Test func `counts in a dry run, where there is a query for it`() async throws {
        try await add(5, days: 40)
        #expect(try await run(handler(), ["dry_run": true])["tables"] == ["logs": 5])
        #expect(try await run(handler(["count": nil]), ["dry_run": true])["tables"] == ["logs": nil])
        #expect(try await count() == 5)
    }

    @Test func `compares with seconds since 1970 where the table has those`() async throws {
        try await database.execute("create table old (id integer primary key, at integer)")
        let edge = noon.microseconds / 1_000_000 - 31 * 86_400
        for at in [edge - 1, edge, edge + 1] {
            try await database.execute("insert into old (at) values (:at)", ["at": .int(at)])
        }
        let statement = "delete from old where id in (select id from old where at < :before_unix limit :limit)"
        #expect(try await run(handler(["statement": .string(statement), "count": nil]))["deleted"] == 1)
    }

    @Test func `reports what the database refuses without the rows`() async throws {
        let statement = "delete from nothing where x < :before limit :limit"
        let failure = await #expect(throws: TaskFailure.self) {
            try await run(handler(["statement": .string(statement)]))
        }
        #expect(failure?.message.hasPrefix("logs: ") == true)
    }

    @Test(
        arguments: [
            ([:], "options: give"), (["days": -1, "files": []], "options.days"),
            (["files": [["pattern": "*"]]], "options.files.0.root"),
            (["files": [["root": "/"]]], "options.files.0.root"),
            (["files": [["root": "x", "pattern": "../*"]]], "options.files.0.pattern"),
            (["rows": [["name": "x", "statement": "y"]]], "options.rows.0.database"),
            (
                ["rows": [["name": "x", "database": ["sqlite": "a"], "statement": "delete from x where y < :before"]]],
                "options.rows.0.statement: must use :limit"
            ),
            (
                ["rows": [["name": "x", "database": ["sqlite": "a"], "statement": "delete from x limit :limit"]]],
                "options.rows.0.statement: must use :before or"
            ),
            (["rows": [["name": "x", "database": ["postgres": "a"]]]], "options.rows.0.database.postgres"),
            (["folder": 1], "options.folder"),
        ] as [(JSONObject, String)]
    ) func `names the option that is wrong`(options: JSONObject, message: String) {
        let error = #expect(throws: HandlerOptionError.self) {
            try MaintenanceHandlers.factories[0].make(setup(options, in: folder))
        }
        #expect(error?.description.hasPrefix(message) == true, "\(error?.description ?? "")")
    }
}
