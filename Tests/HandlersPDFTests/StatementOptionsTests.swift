import CeleriacTasks
import CeleryMessage
import Foundation
import Testing

@testable import HandlersPDF

struct StatementOptionsTests {
    private let bench: TestBench

    init() throws {
        bench = try TestBench()
    }

    @Test func `needs only a database and a folder`() throws {
        let options = try StatementOptions(bench.setup("generate_mutabakat_pdf", bench.options()))
        #expect(options.databasePath == bench.databasePath)
        #expect(options.columns.map(\.source) == ["date", "document_no", "description", "debit", "credit", "balance"])
        #expect(options.totals == ["debit", "credit", "balance"])
    }

    private static let wrong: [(JSONObject, String, String)] = [
        (["database": nil], "database", "is required"),
        (["database": "demo.sqlite"], "database", "expected a block"),
        (["database": ["mysql": "x"]], "database.mysql", "unknown option"),
        (["database": [:]], "database.sqlite", "is required"),
        (["output": nil], "output", "is required"),
        (["titel": "x"], "titel", "unknown option"),
        (["query": "select 1"], "query", "must select by :mutabakat_id"),
        (["query": "select :mutabakat_id, :other"], "query", ":other"),
        (["lines_query": "select ? where :mutabakat_id"], "lines_query", "write :name"),
        (["lines_query": "  "], "lines_query", "is empty"),
        (["file_name": "x.pdf"], "file_name", "{mutabakat_id}"),
        (["file_name": "../{mutabakat_id}.pdf"], "file_name", "without folders"),
        (["file_name": "{mutabakat_id}-{company}.pdf"], "file_name", "no other field"),
        (["title": "{company"], "title", "is not closed"),
        (["title": 5], "title", "expected text"),
        (["page_label": "{page} {x}"], "page_label", "{x} is unknown"),
        (["parties": [["lines": ["a"]]]], "parties.0.heading", "is required"),
        (["parties": [["heading": "a", "lines": []]]], "parties.0.lines", "1 to 8"),
        (["facts": [["label": "a", "text": "{b|c}"]]], "facts.0.text", "unknown format c"),
        (["facts": .array(Array(repeating: ["label": "a", "text": "b"], count: 7))], "facts", "at most 6"),
        (["columns": []], "columns", "1 to 12"),
        (["columns": [["source": "a"]]], "columns.0.heading", "is required"),
        (["columns": [["source": "a", "heading": "A", "kind": "monye"]]], "columns.0.kind", "text, date, money"),
        (["columns": [["source": "a", "heading": "A", "width": 0]]], "columns.0.width", "between 0.1 and 100"),
        (["columns": [["source": "a", "heading": "A", "align": "up"]]], "columns.0.align", "left, center, right"),
        (["totals": ["description"]], "totals", "not a column of kind money"),
        (["balance": true], "balance", "expected a block"),
        (["balance": ["debit": "debit"]], "balance.credit", "is required"),
        (["locale": "tr"], "locale", "tr_TR"),
        (["paper": "A3"], "paper", "A4, Letter"),
        (["font_size": 40], "font_size", "between 6 and 12"),
        (["color": "blue"], "color", "#1C3D61"),
        (["max_lines": 0], "max_lines", "between 1 and 200000"),
        (["font": "No Such Family"], "font", "is not installed"),
        (["font": ""], "font", "is empty"),
        (["font_files": ["demo.sqlite"]], "font_files", "not a readable font file"),
        (["logo": "missing.png"], "logo", "cannot be read"),
        (["logo": "demo.sqlite"], "logo", "is not a PNG file"),
    ]

    @Test(arguments: wrong.indices)
    func `names the option that is wrong`(index: Int) throws {
        let (options, path, reason) = Self.wrong[index]
        let error = try #require(throws: HandlerOptionError.self) { _ = try bench.single(options) }
        #expect(error.path.joined(separator: ".") == path)
        #expect(error.message.contains(reason), "\(error.message)")
    }

    @Test(arguments: wrong.indices)
    func `names the option that is wrong in the check at a start too, but does not look for fonts`(index: Int) throws {
        let (options, path, _) = Self.wrong[index]
        let factory = try #require(HandlerRegistry(PDFHandlers.factories)["pdf.mutabakat"])
        let setup = bench.setup("generate_mutabakat_pdf", bench.options(options))
        let looksForFonts = options == ["font": "No Such Family"] || options == ["font_files": ["demo.sqlite"]]
        if looksForFonts { return try factory.check(setup) }
        let error = try #require(throws: HandlerOptionError.self) { try factory.check(setup) }
        #expect(error.path.joined(separator: ".") == path)
    }

    @Test func `refuses a font that cannot write Turkish`() throws {
        let found = try Self.fontWithoutLira()
        guard let found else { return }
        let error = try #require(throws: HandlerOptionError.self) { _ = try bench.single(["font": .string(found)]) }
        #expect(error.message.contains("lacks"))
    }

    /// DejaVu Math TeX Gyre, of Debian's fonts-dejavu-extra, has no Turkish letters; the machine may not have it.
    private static func fontWithoutLira() throws -> String? {
        let path = "/usr/share/fonts/truetype/dejavu/DejaVuMathTeXGyre.ttf"
        return FileManager.default.fileExists(atPath: path) ? "DejaVu Math TeX Gyre" : nil
    }

    @Test(arguments: [(5_000, 10, "pixels"), (10, 5_000, "pixels"), (0, 10, "pixels")])
    func `refuses a picture that claims too many pixels`(width: Int, height: Int, reason: String) throws {
        var bytes: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0, 0, 0, 13] + Array("IHDR".utf8)
        for side in [width, height] { bytes += [0, 0, UInt8(side >> 8), UInt8(side & 0xFF)] }
        let problem = try #require(throws: PNGFile.Problem.self) { try PNGFile.check(bytes, name: "logo.png") }
        #expect(problem.message.contains(reason))
    }
}
