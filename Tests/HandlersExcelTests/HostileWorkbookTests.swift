import TestSupport
import Testing

@testable import HandlersExcel

/// Files built to harm their reader, and files that merely broke.
@Suite(.serialized) struct HostileWorkbookTests {
    private static let sheet = "xl/worksheets/data.xml"
    private static let head = "<worksheet xmlns=\"\(TestWorkbook.main)\"><sheetData>"
    private static let tail = "</sheetData></worksheet>"
    private static let good = TestWorkbook(rows: "<row><c><v>5</v></c></row>")

    private func book(_ part: String, _ text: String) -> [UInt8] { Self.good.with(part, text).bytes }

    @Test(
        arguments: [
            "<!DOCTYPE x [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\">]>",
            "<!DOCTYPE x [<!ENTITY a SYSTEM \"file:///etc/passwd\">]>", "<!DOCTYPE worksheet>",
        ],
        [sheet, "xl/workbook.xml", "xl/texts.xml", "xl/styles.xml", "_rels/.rels"]
    )
    func `refuses a DOCTYPE in any part`(doctype: String, part: String) throws {
        let text = try #require(Self.good.parts.first { $0.name == part }?.text)
        let error = try #require(refusal(book(part, doctype + text)))
        #expect(error.code == .hostile)
        #expect(error.message.contains("DOCTYPE"))
    }

    @Test func `stops a cell of endless text without holding it`() throws {
        let bytes = try Self.good.compressed(
            part: Self.sheet,
            before: Self.head + "<row><c t=\"inlineStr\"><is><t>",
            unit: "a",
            times: 100_000_000,
            after: "</t></is></c></row>" + Self.tail
        )
        #expect(bytes.count < 2_000_000)
        ResidentMemory.resetPeak()
        let before = try #require(ResidentMemory.peak)
        #expect(refusal(bytes)?.code == .hostile)
        // The same without the bound on ratios: the cell itself has one.
        var limits = WorkbookLimits()
        limits.ratio = .max
        #expect(refusal(bytes, limits: limits)?.message.contains("characters") == true)
        #expect(try #require(ResidentMemory.peak) - before < 32 << 20)
    }

    @Test func `stops a bomb of rows by its ratio`() throws {
        let bytes = try Self.good.compressed(
            part: Self.sheet,
            before: Self.head,
            unit: "<row></row>",
            times: 6_000_000,
            after: Self.tail
        )
        let error = try #require(refusal(bytes))
        #expect(error.code == .hostile)
        #expect(error.message.contains("bomb"))
    }

    @Test func `stops shared texts that inflate without end`() throws {
        let bytes = try Self.good.compressed(
            part: "xl/texts.xml",
            before: "<sst xmlns=\"\(TestWorkbook.main)\">",
            unit: "<si><t>aaaaaaaa</t></si>",
            times: 4_000_000,
            after: "</sst>"
        )
        ResidentMemory.resetPeak()
        let before = try #require(ResidentMemory.peak)
        #expect(refusal(bytes)?.code == .hostile)
        var limits = WorkbookLimits()
        limits.ratio = .max
        limits.sharedBytes = 1 << 20
        #expect(refusal(bytes, limits: limits)?.code == .tooLarge)
        #expect(try #require(ResidentMemory.peak) - before < 48 << 20)
    }

    @Test func `bounds the bytes of an entry and of all entries`() throws {
        var limits = WorkbookLimits()
        limits.totalBytes = 700
        #expect(refusal(Self.good.bytes, limits: limits)?.code == .tooLarge)
        limits = WorkbookLimits()
        limits.entryBytes = 100
        #expect(refusal(Self.good.bytes, limits: limits)?.code == .tooLarge)
        limits = WorkbookLimits()
        limits.fileBytes = 100
        #expect(refusal(Self.good.bytes, limits: limits)?.code == .tooLarge)
        limits = WorkbookLimits()
        limits.entries = 3
        #expect(refusal(Self.good.bytes, limits: limits)?.code == .hostile)
    }

    @Test func `refuses a cell longer than any spreadsheet writes`() {
        let text = String(repeating: "a", count: 32_767)
        #expect(refusal(TestWorkbook(rows: "<row><c t=\"str\"><v>\(text)</v></c></row>").bytes) == nil)
        #expect(refusal(TestWorkbook(rows: "<row><c t=\"str\"><v>\(text)a</v></c></row>").bytes)?.code == .hostile)
        let shared = TestWorkbook(rows: "<row><c t=\"s\"><v>0</v></c></row>", shared: ["<t>\(text)a</t>"])
        #expect(refusal(shared.bytes)?.code == .hostile)
    }

    @Test func `counts a cell's characters as the spreadsheet does`() {
        let text = String(repeating: "ğ", count: 32_767)
        #expect(refusal(TestWorkbook(rows: "<row><c t=\"str\"><v>\(text)</v></c></row>").bytes) == nil)
    }

    @Test func `refuses endless nesting`() {
        let nested = String(repeating: "<x>", count: 300_000)
        #expect(refusal(book(Self.sheet, Self.head + nested))?.code == .hostile)
    }

    @Test(arguments: ["<row spans=\"", "<!--"]) func `refuses a tag without end`(opening: String) throws {
        let bytes = try Self.good.compressed(
            part: Self.sheet,
            before: Self.head + opening,
            unit: "ab",
            times: 4_000_000,
            after: ""
        )
        #expect(refusal(bytes)?.code == .hostile)
    }

    @Test(arguments: [
        ("<row r=\"1048577\"><c><v>1</v></c></row>", WorkbookError.Code.tooLarge),
        ("<row r=\"5\"><c><v>1</v></c></row><row r=\"5\"><c><v>1</v></c></row>", .damaged),
        ("<row><c r=\"XFE1\"><v>1</v></c></row>", .damaged),
        ("<row><c r=\"AAAAAAAAAAAAAA1\"><v>1</v></c></row>", .damaged),
        ("<row><c r=\"1\"><v>1</v></c></row>", .damaged),
        ("<row><c r=\"XFD1\"><v>1</v></c><c><v>2</v></c></row>", .tooLarge),
        ("<row><c t=\"s\"><v>1</v></c></row>", .damaged), ("<row><c t=\"s\"><v>-1</v></c></row>", .damaged),
        ("<row><c t=\"s\"><v>99999999999999999999</v></c></row>", .damaged), ("<c><v>1</v></c>", .damaged),
        ("<row><c><c><v>1</v></c></c></row>", .damaged), ("<row><c><v>1</c></row>", .damaged),
        ("<row><c><v>&nbsp;</v></c></row>", .damaged),
    ]) func `refuses impossible rows`(rows: String, code: WorkbookError.Code) {
        #expect(refusal(TestWorkbook(rows: rows).bytes)?.code == code)
    }

    @Test func `refuses a file that was cut off, at any place`() {
        let bytes = Self.good.bytes
        for end in stride(from: 0, to: bytes.count, by: 37) {
            #expect(refusal(Array(bytes[..<end])) != nil, "cut at \(end)")
        }
    }

    @Test func `never survives a flipped byte in silence inside the sheet`() throws {
        var bytes = Self.good.bytes
        let needle = Array("<v>5</v>".utf8)
        let place = try #require(bytes.indices.first { bytes[$0...].starts(with: needle) })
        bytes[place + 3] = UInt8(ascii: "6")
        #expect(refusal(bytes)?.code == .damaged)
    }

    @Test func `never traps on a flipped byte anywhere`() {
        let good = Self.good.bytes
        for place in stride(from: 0, to: good.count, by: 11) {
            var bytes = good
            bytes[place] ^= 0x55
            _ = refusal(bytes)
        }
    }

    @Test func `refuses a size that is a lie`() {
        var zip = StoredZip()
        for part in Self.good.parts {
            zip.add(part.name, Array(part.text.utf8), claimedSize: part.name == Self.sheet ? 1 << 30 : nil)
        }
        #expect(refusal(zip.finished()) != nil)
    }

    @Test func `refuses an encrypted entry`() {
        var zip = StoredZip()
        for part in Self.good.parts { zip.add(part.name, Array(part.text.utf8), flags: 1) }
        #expect(refusal(zip.finished())?.code == .encrypted)
    }

    @Test func `says what else was uploaded`() {
        let ole: [UInt8] = [0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1]
        var header = ole + [UInt8](repeating: 0, count: 504)
        header[30] = 9
        header[48] = 1
        let name = "EncryptedPackage".utf8.flatMap { [$0, 0] as [UInt8] }
        let directory = [UInt8](repeating: 0, count: 512 + 128) + name + [UInt8](repeating: 0, count: 400)
        #expect(refusal(header + directory)?.code == .encrypted)
        #expect(refusal(header + [UInt8](repeating: 0, count: 2_000))?.code == .otherFormat)
        #expect(refusal(ole)?.code == .otherFormat)
        #expect(refusal([])?.code == .notAWorkbook)
        #expect(refusal(Array("ad;soyad\nAyşe;Yılmaz\n".utf8))?.code == .notAWorkbook)

        var sheets = StoredZip()
        sheets.add("mimetype", Array("application/vnd.oasis.opendocument.spreadsheet".utf8))
        sheets.add("content.xml", Array("<x/>".utf8))
        #expect(refusal(sheets.finished())?.code == .otherFormat)
        var other = StoredZip()
        other.add("hello.txt", Array("hello".utf8))
        #expect(refusal(other.finished())?.code == .notAWorkbook)
    }

    @Test(arguments: [sheet, "xl/workbook.xml", "xl/_rels/workbook.xml.rels", "_rels/.rels"])
    func `refuses a workbook without one of its parts`(part: String) {
        #expect(refusal(Self.good.without(part).bytes) != nil)
    }

    @Test func `does not take another kind of part for a sheet`() {
        #expect(refusal(book(Self.sheet, "<chartsheet xmlns=\"\(TestWorkbook.main)\"/>"))?.code == .damaged)
    }
}
