import CeleriacTasks
import CeleryMessage
import Foundation
import TestSupport
import Testing

@testable import HandlersExcel

struct ProcessUploadTests {
    private static let users: JSONValue = [
        ["name": "name", "header": "Ad Soyad", "required": true, "max": 20],
        ["name": "email", "header": "E-posta", "type": "email", "required": true, "unique": true],
        ["name": "phone", "header": "Telefon", "type": "phone"],
        ["name": "age", "header": "Yaş", "type": "integer", "min": 18, "max": 99],
    ]
    private static let header: [(any CellContent)?] = ["Ad Soyad", "E-posta", "Telefon", "Yaş"]

    @Test func `checks ten thousand rows and reports how far it is`() async throws {
        var table = [Self.header]
        for number in 1...10_000 {
            table.append(["Ayşe \(number)", "u\(number)@example.com", "0555 123 45 67", 18 + number % 80])
        }
        let reporter = RecordingReporter()
        let result = try await Uploads().run(table, columns: Self.users, reporter: reporter)
        #expect(result["rows"] == 10_000)
        #expect(result["valid"] == 10_000)
        #expect(result["invalid"] == 0)
        #expect(result["errors"] == [])
        #expect(result["sheet"] == "Sheet1")
        let steps = reporter.updates.compactMap { $0["current"]?.int }
        #expect(steps.count > 5)
        #expect(steps == steps.sorted())
        #expect(reporter.updates.allSatisfy { $0["total"] == 100 && $0["status"]?.string != nil })
        #expect(reporter.updates.contains { ($0["rows"]?.int ?? 0) > 1_000 })
    }

    @Test func `lists bad rows with row, column, value and reason`() async throws {
        let result = try await Uploads().run(
            [
                Self.header, ["Ayşe", "a@example.com", 5_551_234_567, 30], ["Mehmet", "not an address", nil, 17],
                [nil, "a@example.com", "12", "x"], [nil, "  ", nil, nil],
                ["Çok uzun bir ad ve soyad", "c@example.com", nil, nil],
            ],
            columns: Self.users
        )
        #expect(result["rows"] == 4)
        #expect(result["valid"] == 1)
        #expect(result["invalid"] == 3)
        #expect(result["error_count"] == 7)
        let errors = try #require(result["errors"]?.array)
        let listed = errors.map { [$0["cell"]?.string, $0["column"]?.string, $0["code"]?.string] }
        #expect(
            listed == [
                ["B3", "email", "not_email"], ["D3", "age", "too_small"], ["A4", "name", "required"],
                ["B4", "email", "duplicate"], ["C4", "phone", "not_phone"], ["D4", "age", "not_integer"],
                ["A6", "name", "too_long"],
            ]
        )
        #expect(errors[0]["row"] == 3)
        #expect(errors[0]["value"] == "not an address")
        #expect(errors[3]["message"] == "the same value as in row 2")
        #expect(result["errors_truncated"] == false)
    }

    @Test func `speaks Turkish to those who filled the sheet in`() async throws {
        let result = try await Uploads().run(
            [Self.header, [nil, "a@example.com", nil, nil]],
            columns: Self.users,
            options: ["language": "tr"]
        )
        #expect(result["errors"]?.array?.first?["message"] == "bu alan zorunludur")
    }

    @Test func `lists no more problems than asked for and counts them all`() async throws {
        var table = [Self.header]
        for _ in 0..<50 { table.append(["x", "bad", nil, nil]) }
        let result = try await Uploads().run(table, columns: Self.users, options: ["max_errors": 3])
        #expect(result["errors"]?.array?.count == 3)
        #expect(result["error_count"] == 50)
        #expect(result["errors_truncated"] == true)
    }

    @Test func `shortens long values and hides masked ones`() async throws {
        let columns: JSONValue = [["name": "a", "max": 1], ["name": "secret", "max": 1, "mask": true]]
        let long = String(repeating: "ş", count: 500)
        let result = try await Uploads().run([["a", "secret"], [long, "geheim"]], columns: columns)
        let values = result["errors"]?.array?.compactMap { $0["value"]?.string } ?? []
        #expect(values == [String(repeating: "ş", count: 80) + "…", "***"])
    }

    @Test func `finds headings whatever their case and order`() async throws {
        let result = try await Uploads().run(
            [["YAŞ", " e-POSTA ", "TELEFON", "ad  SOYAD", "Not"], [30, "a@example.com", nil, "Işıl", "x"]],
            columns: Self.users
        )
        #expect(result["valid"] == 1)
    }

    @Test(
        arguments: [
            ([["Ad Soyad", "Yaş"], ["x", 1]], "lacks the heading 'E-posta'"),
            ([["Ad Soyad", "E-posta", "e-posta"], ["x", "y", "z"]], "twice"),
        ] as [([[any CellContent]], String)]
    ) func `refuses headings that do not fit`(table: [[any CellContent]], message: String) async throws {
        let failure = await #expect(throws: TaskFailure.self) { try await Uploads().run(table, columns: Self.users) }
        #expect(failure?.type == "ValueError")
        #expect(failure?.message.contains(message) == true)
    }

    @Test func `refuses unexpected headings only when told to`() async throws {
        let table: [[(any CellContent)?]] = [["Ad Soyad", "E-posta", "Fazla"], ["x", "x@example.com", 1]]
        #expect(try await Uploads().run(table, columns: Self.users)["valid"] == 1)
        let failure = await #expect(throws: TaskFailure.self) {
            try await Uploads().run(table, columns: Self.users, options: ["extra_columns": "refuse"])
        }
        #expect(failure?.message.contains("'Fazla'") == true)
    }

    @Test func `does not count a sheet without rows as a success`() async throws {
        let failure = await #expect(throws: TaskFailure.self) {
            try await Uploads().run([Self.header], columns: Self.users)
        }
        #expect(failure?.message.contains("no rows of data") == true)
        let empty = await #expect(throws: TaskFailure.self) { try await Uploads().run([], columns: Self.users) }
        #expect(empty?.message.contains("is empty") == true)
        let allowed = try await Uploads().run([Self.header], columns: Self.users, options: ["allow_empty": true])
        #expect(allowed["rows"] == 0)
        #expect(allowed["empty"] == true)
    }

    @Test func `reads headings from the row it is told`() async throws {
        let table: [[(any CellContent)?]] = [["Müşteri listesi"], Self.header, ["Ayşe", "a@example.com", nil, nil]]
        let result = try await Uploads().run(table, columns: Self.users, options: ["header_row": 2])
        #expect(result["valid"] == 1)
    }

    @Test func `refuses more rows than allowed`() async throws {
        let failure = await #expect(throws: TaskFailure.self) {
            try await Uploads().run([["a"], ["1"], ["2"], ["3"]], options: ["max_rows": 2])
        }
        #expect(failure?.message.contains("more than 2 rows") == true)
    }

    @Test func `names the sheet it was asked for`() async throws {
        let uploads = try Uploads()
        try uploads.folder.write("uploads/a.xlsx", TestWorkbook(table: [["a"], ["1"]], sheet: "Satış").bytes)
        let result = try await uploads.run(["a.xlsx"], kwargs: ["sheet_name": "Satış"])
        #expect(result["sheet"] == "Satış")
        let failure = await #expect(throws: TaskFailure.self) { try await uploads.run(["a.xlsx", "Sheet1"]) }
        #expect(failure?.message.contains("no sheet 'Sheet1'") == true)
    }

    @Test(
        arguments: [
            ([], "TypeError", "missing 1 required positional argument: 'file_path'"),
            ([5], "TypeError", "'file_path' must be str"),
            (["a.xlsx", 7], "TypeError", "'sheet_name' must be str or None"),
            (["no such.xlsx"], "FileNotFoundError", "no such.xlsx"),
        ] as [([JSONValue], String, String)]
    ) func `names the argument that is wrong`(arguments: [JSONValue], type: String, message: String) async throws {
        let failure = await #expect(throws: TaskFailure.self) { try await Uploads().run(arguments) }
        #expect(failure?.type == type)
        #expect(failure?.message.contains(message) == true)
    }

    @Test(.timeLimit(.minutes(1))) func `gives way at the soft limit`() async throws {
        let cancellation = TaskCancellation()
        let reporter = RecordingReporter { cancellation.cancel(.softTimeLimit) }
        let uploads = try Uploads()
        var table: [[(any CellContent)?]] = [["a"]]
        for number in 0..<20_000 { table.append([number]) }
        try uploads.folder.write("uploads/a.xlsx", TestWorkbook(table: table).bytes)
        let failure = await #expect(throws: TaskFailure.self) {
            try await uploads.run(
                ["a.xlsx"],
                options: ["accepted_folder": "accepted"],
                reporter: reporter,
                cancellation: cancellation
            )
        }
        #expect(failure?.type == "SoftTimeLimitExceeded")
        #expect(reporter.updates.count == 1)
        #expect(try uploads.folder.names(in: "accepted") == [])
    }
}

struct AcceptedRowsTests {
    @Test func `writes accepted rows as JSON lines under the task's id`() async throws {
        let uploads = try Uploads()
        try uploads.folder.write(
            "uploads/a.xlsx",
            TestWorkbook(table: [
                ["Ad", "Tutar", "Adet", "Tarih", "Aktif"], ["Ayşe", 0.1 + 0.2, 3, "31.12.2024", "Evet"],
                [nil, "bad", 1, nil, nil],
                ["Ömer", "1.234,50", 4, nil, false],
            ]).bytes
        )
        let columns: JSONValue = [
            ["name": "ad", "header": "Ad"], ["name": "tutar", "header": "Tutar", "type": "decimal"],
            ["name": "adet", "header": "Adet", "type": "integer"],
            ["name": "tarih", "header": "Tarih", "type": "date"],
            ["name": "aktif", "header": "Aktif", "type": "boolean"],
        ]
        let result = try await uploads.run(
            ["a.xlsx"],
            options: ["columns": columns, "accepted_folder": "out"],
            id: "task-1"
        )
        let path = uploads.folder.file("out/task-1.jsonl")
        #expect(result["accepted_file"] == .string(path))
        let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
        #expect(
            try lines.map { try JSONReader.value(Array($0.utf8)) } == [
                ["ad": "Ayşe", "tutar": "0.3", "adet": 3, "tarih": "2024-12-31", "aktif": true],
                ["ad": "Ömer", "tutar": "1234.50", "adet": 4, "tarih": nil, "aktif": false],
            ]
        )
        #expect(try uploads.folder.names(in: "out") == ["task-1.jsonl"])
    }

    @Test func `leaves nothing behind when the file turns out damaged at its end`() async throws {
        let uploads = try Uploads()
        let sheet = TestWorkbook.sheet("<row><c><v>1</v></c></row><row><c><v>2</v></c></row>").dropLast(3)
        try uploads.folder.write(
            "uploads/a.xlsx",
            TestWorkbook(rows: "").with("xl/worksheets/data.xml", String(sheet)).bytes
        )
        let failure = await #expect(throws: TaskFailure.self) {
            try await uploads.run(["a.xlsx"], options: ["accepted_folder": "out"])
        }
        #expect(failure?.message.contains("damaged") == true)
        #expect(try uploads.folder.names(in: "out") == [])
    }

    @Test(arguments: ["../../evil", "a/b", "", ".", String(repeating: "x", count: 300)])
    func `never takes a path from a task's id`(id: String) async throws {
        let uploads = try Uploads()
        try uploads.folder.write("uploads/a.xlsx", TestWorkbook(table: [["a"], [1]]).bytes)
        _ = try await uploads.run(["a.xlsx"], options: ["accepted_folder": "out"], id: id)
        #expect(try uploads.folder.names(in: "out").count == 1)
        #expect(try uploads.folder.names() == ["out", "uploads"])
    }
}

struct UploadRootTests {
    private let uploads: Uploads
    private let book = TestWorkbook(table: [["a"], [1]]).bytes

    init() throws {
        uploads = try Uploads()
        try uploads.folder.write("uploads/in/users.xlsx", book)
        try uploads.folder.write("secret.xlsx", book)
        try uploads.folder.write("uploads-other/users.xlsx", book)
        let files = FileManager.default
        try files.createSymbolicLink(
            atPath: uploads.folder.file("uploads/out.xlsx"),
            withDestinationPath: "../secret.xlsx"
        )
        try files.createSymbolicLink(atPath: uploads.folder.file("uploads/folder"), withDestinationPath: "..")
        try files.createSymbolicLink(
            atPath: uploads.folder.file("uploads/link.xlsx"),
            withDestinationPath: "in/users.xlsx"
        )
        try files.createSymbolicLink(atPath: uploads.folder.file("uploads/loop"), withDestinationPath: "loop")
    }

    @Test(arguments: ["in/users.xlsx", "uploads/in/users.xlsx", "./in//users.xlsx", "link.xlsx"])
    func `opens what lies in the upload folder`(path: String) async throws {
        #expect(try await uploads.run([.string(path)])["rows"] == 1)
    }

    @Test func `opens an absolute path in the upload folder`() async throws {
        #expect(try await uploads.run([.string(uploads.folder.file("uploads/in/users.xlsx"))])["rows"] == 1)
    }

    @Test(arguments: [
        "../secret.xlsx", "in/../../secret.xlsx", "out.xlsx", "folder/secret.xlsx", "/etc/passwd", "", "a\0b",
        "../uploads-other/users.xlsx", "folder/uploads-other/users.xlsx", "uploads/../secret.xlsx",
    ]) func `refuses what lies elsewhere`(path: String) async throws {
        let failure = await #expect(throws: TaskFailure.self) { try await uploads.run([.string(path)]) }
        #expect(failure?.type == "ValueError")
        #expect(failure?.message.contains("does not lie in the upload folder") == true)
    }

    @Test func `refuses the neighbour whose name begins alike`() async throws {
        let path = uploads.folder.file("uploads-other/users.xlsx")
        let failure = await #expect(throws: TaskFailure.self) { try await uploads.run([.string(path)]) }
        #expect(failure?.type == "ValueError")
    }

    @Test func `tells nothing about files outside`() async throws {
        let there = await #expect(throws: TaskFailure.self) { try await uploads.run(["/etc/passwd"]) }
        let notThere = await #expect(throws: TaskFailure.self) { try await uploads.run(["/etc/no such file"]) }
        #expect(there?.message == notThere?.message)
    }

    @Test(.timeLimit(.minutes(1)), arguments: ["in", "pipe"]) func `refuses what is no file`(path: String) async throws
    {
        mkfifo(uploads.folder.file("uploads/pipe"), 0o600)
        let failure = await #expect(throws: TaskFailure.self) { try await uploads.run([.string(path)]) }
        #expect(failure?.message.contains("is not a file") == true)
    }

    @Test(arguments: ["loop", "in/none.xlsx"]) func `says when there is no such file`(path: String) async throws {
        let failure = await #expect(throws: TaskFailure.self) { try await uploads.run([.string(path)]) }
        #expect(failure?.type == "FileNotFoundError")
    }
}

struct UploadOptionsTests {
    @Test(
        arguments: [
            (["upload_root": nil], "options.upload_root"), (["uplod": "x"], "options.uplod"),
            (["max_errors": -1], "options.max_errors"),
            (["extra_columns": "maybe"], "options.extra_columns"), (["language": "de"], "options.language"),
            (["columns": [["type": "text"]]], "options.columns.0.name"),
            (["columns": [["name": "a", "type": "number"]]], "options.columns.0.type"),
            (["columns": [["name": "a"], ["name": "b", "pattern": "["]]], "options.columns.1.pattern"),
            (["columns": [["name": "a"], ["name": "a", "header": "c"]]], "options.columns"),
            (["columns": [["name": "a"], ["name": "b", "header": "A"]]], "options.columns"),
            (["columns": [["name": "a", "type": "date", "min": "yesterday"]]], "options.columns.0.min"),
            (["columns": [["name": "a", "type": "boolean", "max": 1]]], "options.columns.0.max"),
            (["columns": [["name": "a", "one_of": []]]], "options.columns.0.one_of"),
        ] as [(JSONObject, String)]
    ) func `names the option that is wrong`(options: JSONObject, path: String) throws {
        let error = #expect(throws: HandlerOptionError.self) { try Uploads().handler(options) }
        #expect(error?.description.hasPrefix(path + ":") == true)
    }
}
