import FoundationEssentials
import WorkerCommandLine

/// The spreadsheet that the demo uploads: a workbook of four small parts in a ZIP archive without compression.
enum DemoUpload {
    static let name = "users.xlsx"

    static func write(to path: String) throws {
        var archive = StoredArchive()
        for (name, text) in parts { archive.add(name, Array(text.utf8)) }
        do {
            try Data(archive.finished()).write(to: URL(filePath: path), options: .atomic)
        } catch {
            throw Complaint("The demo's spreadsheet \(path) cannot be written: \(error.fileReason)")
        }
    }

    private static let head = #"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>"# + "\n"
    private static let office = "http://schemas.openxmlformats.org"

    private static var parts: [(String, String)] {
        [
            (
                "[Content_Types].xml",
                head
                    + #"<Types xmlns="\#(office)/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>"#
            ),
            (
                "_rels/.rels",
                head
                    + #"<Relationships xmlns="\#(office)/package/2006/relationships"><Relationship Id="rId1" Type="\#(office)/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#
            ),
            (
                "xl/workbook.xml",
                head
                    + #"<workbook xmlns="\#(office)/spreadsheetml/2006/main" xmlns:r="\#(office)/officeDocument/2006/relationships"><sheets><sheet name="Sheet1" sheetId="1" r:id="rId1"/></sheets></workbook>"#
            ),
            (
                "xl/_rels/workbook.xml.rels",
                head
                    + #"<Relationships xmlns="\#(office)/package/2006/relationships"><Relationship Id="rId1" Type="\#(office)/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>"#
            ),
            (
                "xl/worksheets/sheet1.xml",
                head
                    + #"<worksheet xmlns="\#(office)/spreadsheetml/2006/main"><sheetData>\#(rows)</sheetData></worksheet>"#
            ),
        ]
    }

    private static var rows: String {
        let header = row(1, ["name", "email", "amount"])
        let names = ["Ayşe Yılmaz", "Çağrı Öztürk", "İpek Şahin", "Gül Ünal"]
        let body = (2...41).map { number in
            row(number, [names[number % names.count], "user\(number)@example.com", "\(number * 125).50"])
        }
        return header + body.joined()
    }

    private static func row(_ number: Int, _ cells: [String]) -> String {
        let columns = ["A", "B", "C"]
        let text = zip(columns, cells).map { #"<c r="\#($0)\#(number)" t="inlineStr"><is><t>\#($1)</t></is></c>"# }
        return #"<row r="\#(number)">\#(text.joined())</row>"#
    }
}

/// A ZIP archive whose members are stored as they are.
struct StoredArchive {
    private var body: [UInt8] = []
    private var directory: [UInt8] = []
    private var count = 0

    mutating func add(_ name: String, _ content: [UInt8]) {
        let place = UInt32(body.count)
        let check = Self.checksum(content)
        let common =
            Self.little(20, 2) + Self.little(0, 2) + Self.little(0, 2) + Self.little(0, 2) + Self.little(0x21, 2)
            + Self.little(Int(check), 4) + Self.little(content.count, 4) + Self.little(content.count, 4)
            + Self.little(name.utf8.count, 2) + Self.little(0, 2)
        body += Array("PK\u{3}\u{4}".utf8) + common + Array(name.utf8) + content
        directory += Array("PK\u{1}\u{2}".utf8) + Self.little(20, 2) + common + Self.little(0, 2) + Self.little(0, 2)
        directory += Self.little(0, 2) + Self.little(0, 4) + Self.little(Int(place), 4) + Array(name.utf8)
        count += 1
    }

    func finished() -> [UInt8] {
        body + directory + Array("PK\u{5}\u{6}".utf8) + Self.little(0, 4) + Self.little(count, 2)
            + Self.little(count, 2) + Self.little(directory.count, 4) + Self.little(body.count, 4) + Self.little(0, 2)
    }

    private static func little(_ number: Int, _ width: Int) -> [UInt8] {
        (0..<width).map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) }
    }

    /// CRC-32 bit by bit: a few kilobytes once.
    private static func checksum(_ bytes: [UInt8]) -> UInt32 {
        var value: UInt32 = 0xFFFF_FFFF
        for byte in bytes {
            value ^= UInt32(byte)
            for _ in 0..<8 { value = value & 1 == 1 ? value >> 1 ^ 0xEDB8_8320 : value >> 1 }
        }
        return ~value
    }
}
