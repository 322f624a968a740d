import TestSupport

/// The parts of a small workbook, each of which a test may exchange.
struct TestWorkbook {
    static let main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    static let office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"

    var parts: [(name: String, text: String)]

    /// A workbook with one sheet.
    ///
    /// - Parameters:
    ///   - rows: what stands inside `sheetData`.
    ///   - shared: the shared texts, each the inside of an `si`.
    init(
        rows: String,
        sheet: String = "Sheet1",
        shared: [String] = [],
        namespace: String = main,
        office: String = office,
        workbook: String = "",
        formats: String = ""
    ) {
        parts = [
            ("[Content_Types].xml", "<Types/>"),
            (
                "_rels/.rels",
                """
                <Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">\
                <Relationship Id="rId1" Type="\(office)/officeDocument" Target="xl/workbook.xml"/></Relationships>
                """
            ),
            (
                "xl/workbook.xml",
                """
                <workbook xmlns="\(namespace)" xmlns:r="\(office)">\(workbook)<sheets>\
                <sheet name="\(sheet)" sheetId="1" r:id="rId1"/></sheets></workbook>
                """
            ),
            (
                "xl/_rels/workbook.xml.rels",
                """
                <Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">\
                <Relationship Id="rId1" Type="\(office)/worksheet" Target="worksheets/data.xml"/>\
                <Relationship Id="rId2" Type="\(office)/sharedStrings" Target="/xl/texts.xml"/>\
                <Relationship Id="rId3" Type="\(office)/styles" Target="styles.xml"/></Relationships>
                """
            ),
            ("xl/worksheets/data.xml", Self.sheet(rows, namespace: namespace)),
            (
                "xl/texts.xml",
                "<sst xmlns=\"\(namespace)\">" + shared.map { "<si>\($0)</si>" }.joined() + "</sst>"
            ),
            (
                "xl/styles.xml",
                """
                <styleSheet xmlns="\(namespace)"><numFmts>\(formats)</numFmts><cellStyleXfs><xf numFmtId="14"/></cellStyleXfs>\
                <cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="22"/><xf numFmtId="20"/><xf numFmtId="164"/>\
                </cellXfs></styleSheet>
                """
            ),
        ]
    }

    /// A workbook whose rows hold only inline texts and numbers; `nil` leaves a cell out.
    init(table: [[(any CellContent)?]], sheet: String = "Sheet1") {
        let rows = table.enumerated().map { place, row in
            let cells = row.enumerated().compactMap { column, content in
                content?.xml(reference: Self.letters(column) + String(place + 1))
            }
            return "<row r=\"\(place + 1)\">\(cells.joined())</row>"
        }
        self.init(rows: rows.joined(), sheet: sheet)
    }

    /// A worksheet part.
    static func sheet(_ rows: String, namespace: String = main) -> String {
        "<worksheet xmlns=\"\(namespace)\"><sheetData>\(rows)</sheetData></worksheet>"
    }

    /// Exchanges the text of a part.
    func with(_ name: String, _ text: String) -> TestWorkbook {
        var copy = self
        copy.parts = parts.map { $0.name == name ? (name, text) : $0 }
        return copy
    }

    /// Leaves a part out.
    func without(_ name: String) -> TestWorkbook {
        var copy = self
        copy.parts.removeAll { $0.name == name }
        return copy
    }

    /// The file.
    var bytes: [UInt8] {
        var zip = StoredZip()
        for part in parts { zip.add(part.name, Array(part.text.utf8)) }
        return zip.finished()
    }

    /// The file with compressed parts, in which one is as long as a bomb: `unit` again and again between two texts.
    func compressed(part: String, before: String, unit: String, times: Int, after: String) throws -> [UInt8] {
        let program = """
            import io, json, sys, zipfile
            parts, name, before, unit, times, after = json.load(sys.stdin)
            out = io.BytesIO()
            with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
                for part, text in parts:
                    if part != name: z.writestr(part, text)
                with z.open(name, "w", force_zip64=False) as f:
                    f.write(before.encode())
                    block = (unit * max(1, 1000000 // len(unit))).encode()
                    left = times * len(unit)
                    while left > 0:
                        f.write(block[:left]); left -= len(block)
                    f.write(after.encode())
            sys.stdout.buffer.write(out.getvalue())
            """
        let list = parts.map { "[\(Self.json($0.name)), \(Self.json($0.text))]" }.joined(separator: ",")
        let input =
            "[[\(list)], \(Self.json(part)), \(Self.json(before)), \(Self.json(unit)), \(times), \(Self.json(after))]"
        return try PythonProgram.run(program, input: Array(input.utf8))
    }

    private static func json(_ text: String) -> String {
        "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n") + "\""
    }

    static func letters(_ column: Int) -> String {
        column < 26 ? String(UnicodeScalar(UInt8(65 + column))) : letters(column / 26 - 1) + letters(column % 26)
    }
}

/// What a test puts into a cell.
protocol CellContent: Sendable {
    func xml(reference: String) -> String
}

extension String: CellContent {
    func xml(reference: String) -> String {
        "<c r=\"\(reference)\" t=\"inlineStr\"><is><t xml:space=\"preserve\">\(self)</t></is></c>"
    }
}

extension Int: CellContent {
    func xml(reference: String) -> String { "<c r=\"\(reference)\"><v>\(self)</v></c>" }
}

extension Double: CellContent {
    func xml(reference: String) -> String { "<c r=\"\(reference)\"><v>\(self)</v></c>" }
}

extension Bool: CellContent {
    func xml(reference: String) -> String { "<c r=\"\(reference)\" t=\"b\"><v>\(self ? 1 : 0)</v></c>" }
}
