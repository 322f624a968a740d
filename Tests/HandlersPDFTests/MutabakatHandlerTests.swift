import CeleriacTasks
import CeleryMessage
import Databases
import Foundation
import TestSupport
import Testing

@testable import HandlersPDF

struct MutabakatHandlerTests {
    private let bench: TestBench

    init() throws {
        bench = try TestBench()
    }

    private func run(_ id: JSONValue, _ more: JSONObject = [:]) async throws -> JSONObject {
        let result = try await bench.single(more).run(TaskArguments(positional: [id]), context: .test())
        return try #require(result.object)
    }

    private func reading(_ result: JSONObject) throws -> PDFReading {
        PDFReading(path: try #require(result["file"]?.string))
    }

    // MARK: - The result and the file

    @Test func `makes a statement from the demo database with the shipped options`() async throws {
        let reporter = RecordingReporter()
        let result = try await bench.single()
            .run(TaskArguments(keyword: ["mutabakat_id": 1]), context: .test(reporter))
        #expect(result["mutabakat_id"] == 1)
        let file = try #require(result["file"]?.string)
        #expect(file == bench.outputFolder.path + "/mutabakat-1.pdf")
        let size = try FileManager.default.attributesOfItem(atPath: file)[.size] as? Int
        #expect(result["bytes"]?.int.map(Int.init) == size)
        #expect(bench.outputFolder.names == ["mutabakat-1.pdf"])
        #expect(reporter.progress.last?["current"] == 2)
        #expect(reporter.progress.last?["total"] == 2)

        let reading = PDFReading(path: file)
        #expect(try reading.pages() == result["pages"]?.int.map(Int.init))
        let text = try reading.flatText()
        for needle in [
            "ğüşıöç İĞÜŞÖÇ", "Cari Hesap Mutabakatı", "Güneşli Örme Sanayi ve Ticaret A.Ş.", "4520318877",
            "Şen Kardeşler Tekstil Ltd. Şti.", "8110456721", "01.01.2026 – 30.06.2026", "12.500,00", "TOPLAM", "TRY",
            "Kaşe ve imza", "Sayfa 1 / 1",
        ] {
            #expect(text.contains(needle), "\(needle)")
        }
    }

    @Test func `repeats head and footer on every page of a long statement`() async throws {
        let result = try await run(.int(Int64(DemoDatabase.longStatement)))
        let reading = try reading(result)
        let pages = try reading.pages()
        #expect(pages >= 3)
        #expect(result["pages"]?.int.map(Int.init) == pages)
        for page in 1...pages {
            let text = try reading.text(page: page)
            #expect(text.contains("Sayfa \(page) / \(pages)"))
            #expect(text.contains("Mutabakat No: 123"))
        }
        // On one line, where a search finds it.
        #expect(try reading.text(page: 1).contains("Numune: \(DemoDatabase.turkishLetters)"))
        for page in 1..<pages {
            let text = try reading.text(page: page)
            #expect(text.contains("Açıklama") && text.contains("Bakiye"))
        }
        #expect(try reading.flatText().contains("ğüşıöç İĞÜŞÖÇ"))
        #expect(
            try ShellCommand.output("qpdf", "--check", reading.path).contains("No syntax or stream encoding errors")
        )
    }

    @Test func `embeds its fonts as subsets that can be copied from`() async throws {
        let reading = try reading(try await run(2))
        let fonts = try ShellCommand.output("pdffonts", reading.path).split(separator: "\n").dropFirst(2)
        #expect(!fonts.isEmpty)
        for font in fonts {
            #expect(font.contains("DejaVuSans"))
            // The columns emb, sub, uni.
            #expect(font.split(separator: " ").filter { $0 == "yes" }.count == 3)
        }
    }

    @Test func `puts ink on every page and leaves most of it white`() async throws {
        let reading = try reading(try await run(.int(Int64(DemoDatabase.longStatement))))
        _ = try ShellCommand.output("pdftoppm", "-gray", "-r", "40", reading.path, bench.folder.file("page"))
        let images = try bench.folder.names().filter { $0.hasSuffix(".pgm") }
        #expect(images.count == (try reading.pages()))
        for image in images {
            let bytes = try Data(contentsOf: URL(fileURLWithPath: bench.folder.file(image)))
            let dark = Double(bytes.count { $0 < 200 }) / Double(bytes.count)
            #expect((0.002...0.3).contains(dark), "\(image): \(dark)")
        }
    }

    @Test func `adds up to the last kuruş`() async throws {
        try await bench.change("DELETE FROM mutabakat_lines WHERE mutabakat_id = 3")
        try await bench.change("UPDATE mutabakatlar SET opening_balance = '0.10' WHERE id = 3")
        for line in 1...30 {
            try await bench.change(
                "INSERT INTO mutabakat_lines VALUES (3, :line, '2026-01-15', 'A', 'x', :debit, :credit)",
                ["line": .int(Int64(line)), "debit": .decimal("1000000000000.10"), "credit": line == 30 ? "0.01" : nil]
            )
        }
        let text = try reading(try await run(3)).flatText()
        #expect(text.contains("30.000.000.000.003,00"))
        #expect(text.contains("30.000.000.000.003,09 TRY (borç)"))
    }

    @Test func `writes a statement without lines`() async throws {
        try await bench.change("DELETE FROM mutabakat_lines WHERE mutabakat_id = 3")
        let result = try await run(3)
        #expect(result["pages"] == 1)
        let text = try reading(result).flatText()
        #expect(text.contains("Bu dönemde hareket yoktur."))
        #expect(text.contains("-4.850,75"))
        #expect(text.contains("(alacak)"))
    }

    @Test func `splits a description longer than a page and loses no word`() async throws {
        let words = (1...900).map { "sözcük\($0)" }
        try await bench.change(
            "UPDATE mutabakat_lines SET description = :text WHERE mutabakat_id = 3 AND line_no = 3",
            ["text": .text(words.joined(separator: " "))]
        )
        let reading = try reading(try await run(3))
        let pages = try reading.pages()
        #expect(pages >= 3)
        let text = try reading.flatText()
        #expect(words.allSatisfy { text.contains($0) })
        #expect(try reading.text(page: 2).contains("Sayfa 2 / \(pages)"))
    }

    @Test func `breaks a word longer than its column and drops control characters`() async throws {
        try await bench.change(
            "UPDATE mutabakat_lines SET description = :text WHERE mutabakat_id = 3 AND line_no = 3",
            ["text": .text("<b>&amp;\u{7}\u{1B}[31m \u{202E}ters " + String(repeating: "Ğ", count: 300))]
        )
        let text = try reading(try await run(3)).flatText()
        #expect(text.contains("<b>&amp;"))
        #expect(text.count { $0 == "Ğ" } >= 300)
    }

    @Test func `replaces the file of an earlier run`() async throws {
        let first = try await run(1)
        try await bench.change("UPDATE mutabakatlar SET status = 'yenilendi' WHERE id = 1")
        let second = try await run(1)
        #expect(first["file"] == second["file"])
        #expect(try reading(second).flatText().contains("yenilendi"))
        #expect(bench.outputFolder.names == ["mutabakat-1.pdf"])
    }

    @Test func `draws the logo and the configured texts and colours`() async throws {
        _ = try ShellCommand.output(
            "pdftoppm",
            "-png",
            "-r",
            "20",
            "-singlefile",
            try reading(try await run(1)).path,
            bench.folder.file("logo")
        )
        let result = try await run(
            4,
            [
                "logo": "logo.png", "title": "Account statement", "locale": "en_GB", "color": "#7A1F3D",
                "landscape": true, "paper": "Letter", "font": "DejaVu Serif", "page_label": "Page {page} of {pages}",
                "file_name": "statement {mutabakat_id}.pdf", "balance": false, "facts": [], "parties": [],
                "signatures": [], "closing": "",
                "columns": [
                    ["source": "date", "heading": "Date", "kind": "date"],
                    ["source": "debit", "heading": "Debit", "kind": "money", "places": 0],
                ],
            ]
        )
        #expect(result["file"]?.string?.hasSuffix("/statement 4.pdf") == true)
        let reading = try reading(result)
        #expect(try reading.flatText().contains("Page 1 of 1"))
        #expect(try ShellCommand.output("pdfinfo", reading.path).contains("792 x 612"))
        #expect(try ShellCommand.output("pdffonts", reading.path).contains("DejaVuSerif"))
        #expect(try ShellCommand.output("pdfimages", "-list", reading.path).contains("image"))
    }

    @Test func `makes the same bytes of the same statement and moment`() async throws {
        let options = try StatementOptions(bench.setup("generate_mutabakat_pdf", bench.options()))
        let statement = try await StatementSource(options).statement(try #require(MutabakatID(2)))
        let renderer = StatementRenderer(options.design)
        var files: [Data] = []
        for name in ["a.pdf", "b.pdf"] {
            let file = try await renderer.render(
                statement,
                folder: bench.folder.path,
                name: name,
                created: Date(timeIntervalSince1970: 1_800_000_000)
            )
            files.append(try Data(contentsOf: URL(fileURLWithPath: file.path)))
        }
        #expect(files[0] == files[1])
    }

    @Test func `draws for many tasks at once`() async throws {
        let handler = try bench.single()
        let other = try bench.single(["file_name": "other-{mutabakat_id}.pdf"])
        try await withThrowingTaskGroup(of: JSONValue.self) { group in
            for id in 1...5 {
                for handler in [handler, other] {
                    group.addTask {
                        try await handler.run(TaskArguments(positional: [.int(Int64(id))]), context: .test())
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(bench.outputFolder.names.count == 10)
        #expect(try PDFReading(path: bench.outputFolder.path + "/other-5.pdf").flatText().contains("Göl Gıda"))
    }

    // MARK: - Failures

    @Test(arguments: [
        (TaskArguments(), "TypeError", "missing 1 required positional argument: 'mutabakat_id'"),
        (TaskArguments(positional: [1, 2]), "TypeError", "takes 1 positional argument but 2 were given"),
        (TaskArguments(keyword: ["id": 1]), "TypeError", "unexpected keyword argument 'id'"),
        (TaskArguments(positional: [[1]]), "TypeError", "'mutabakat_id' must be int or str, not list"),
        (TaskArguments(positional: [true]), "TypeError", "must be int or str, not bool"),
        (TaskArguments(positional: [1.5]), "TypeError", "must be int or str, not float"),
        (TaskArguments(positional: ["../1"]), "ValueError", "must be 1 to 100 letters"),
        (TaskArguments(positional: [999]), "ValueError", "there is no mutabakat with id 999"),
        (TaskArguments(positional: ["1 OR 1=1"]), "ValueError", "must be 1 to 100 letters"),
    ])
    func `refuses wrong arguments as Python would`(arguments: TaskArguments, type: String, message: String) async throws
    {
        let handler = try bench.single()
        let failure = try await #require(throws: TaskFailure.self) {
            try await handler.run(arguments, context: .test())
        }
        #expect(failure.type == type)
        #expect(failure.message.contains(message), "\(failure.message)")
        #expect(bench.outputFolder.names.isEmpty)
    }

    @Test(arguments: [
        ("debit", "12,5", "line 2: 'debit' is not an amount"), ("date", "dün", "line 2: 'date' is not a date"),
    ])
    func `names the line whose value cannot be printed`(column: String, value: String, message: String) async throws {
        try await bench.change(
            "UPDATE mutabakat_lines SET \(column) = :value WHERE mutabakat_id = 1 AND line_no = 2",
            ["value": .text(value)]
        )
        let failure = try await #require(throws: TaskFailure.self) { try await run(1) }
        #expect(failure.type == "ValueError")
        #expect(failure.message.contains(message))
    }

    @Test func `bounds the lines of a statement`() async throws {
        let failure = try await #require(throws: TaskFailure.self) { try await run(2, ["max_lines": 10]) }
        #expect(failure.message.contains("more than 10 lines"))
    }

    private static let wrongSetups: [(JSONObject, String)] = [
        (["totals": [], "columns": [["source": "nope", "heading": "X"]]], "no column 'nope'"),
        (["title": "{nope}"], "no column 'nope'"),
        (["balance": ["debit": "debit", "credit": "credit", "opening": "nope"]], "no column 'nope'"),
        (["query": "SELECT nope FROM nowhere WHERE id = :mutabakat_id"], "no such table"),
        (["database": ["sqlite": "missing.sqlite"]], "there is no database file"),
        (["output": "demo.sqlite/x"], "cannot be created"),
    ]

    @Test(arguments: wrongSetups)
    func `says what is wrong with the setup`(options: JSONObject, message: String) async throws {
        let failure = try await #require(throws: TaskFailure.self) { try await run(1, options) }
        #expect(failure.type != "ValueError")
        #expect(failure.message.contains(message), "\(failure.message)")
    }

    @Test func `stops at the soft limit and leaves no file`() async throws {
        let cancellation = TaskCancellation()
        let handler = try bench.single()
        let reporter = RecordingReporter { meta in
            // The statement is read, drawing comes next.
            guard meta["current"] == 1 else { return }
            cancellation.cancel(.softTimeLimit)
            withUnsafeCurrentTask { $0?.cancel() }
        }
        let context = TaskContext.test(reporter, cancellation: cancellation)
        let task = Task { try await handler.run(TaskArguments(positional: [1]), context: context) }
        let failure = try await #require(throws: TaskFailure.self) { try await task.value }
        #expect(failure.type == "SoftTimeLimitExceeded")
        #expect(bench.outputFolder.names.isEmpty)
    }

    @Test func `stops between two pages when nobody wants the document any more`() async throws {
        let options = try StatementOptions(bench.setup("generate_mutabakat_pdf", bench.options()))
        let statement = try await StatementSource(options).statement(try #require(MutabakatID(2)))
        let renderer = StatementRenderer(options.design)
        let folder = bench.folder.file("stopped")
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try await renderer.render(statement, folder: folder, name: "a.pdf")
        }
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(ScratchSubfolder(path: folder).names.isEmpty)
    }
}
