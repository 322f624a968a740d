import TestSupport
import Testing

@testable import HandlersExcel

struct WorkbookTests {
    @Test func `reads every kind of cell`() throws {
        let values = try firstRow(
            """
            <c r="A1" t="s"><v>1</v></c><c r="B1"><v>1234.5</v></c><c r="C1" t="inlineStr"><is><t>in</t></is></c>\
            <c r="D1" t="str"><f>A1&amp;"x"</f><v>formula</v></c><c r="E1" t="b"><v>1</v></c><c r="F1" t="e"><v>#N/A</v></c>\
            <c r="G1" t="d"><v>2024-02-29T10:20:30Z</v></c><c r="H1" s="1"><v>45292</v></c><c r="I1" t="n"><v> 7 </v></c>
            """,
            shared: ["<t>zero</t>", "<t>ğüşıöç İĞÜŞÖÇ &amp; &lt;</t>"]
        )
        let leap = try #require(CalendarDate(year: 2024, month: 2, day: 29))
        let newYear = try #require(CalendarDate(year: 2024, month: 1, day: 1))
        #expect(
            values == [
                .text("ğüşıöç İĞÜŞÖÇ & <"), .number(1234.5), .text("in"), .text("formula"), .boolean(true),
                .error("#N/A"), .date(leap, seconds: 37_230), .date(newYear, seconds: 0), .number(7),
            ]
        )
    }

    @Test func `joins the runs of a rich text and leaves phonetic hints out`() throws {
        let values = try firstRow(
            "<c t=\"s\"><v>0</v></c><c t=\"inlineStr\"><is><r><t>in</t></r><rPh sb=\"0\" eb=\"1\"><t>no</t></rPh><r><t>line</t></r></is></c>",
            shared: ["<r><t>two </t></r><r><rPr/><t>runs</t></r><rPh sb=\"0\" eb=\"1\"><t>no</t></rPh>"]
        )
        #expect(values == [.text("two runs"), .text("inline")])
    }

    @Test func `places cells by reference and counts where there is none`() throws {
        let read = try rows(
            TestWorkbook(
                rows: """
                    <row r="3"><c r="B3"><v>1</v></c><c><v>2</v></c><c r="AA3"><v>3</v></c></row>\
                    <row><c><v>4</v></c></row><row r="9"><c r="A9" s="1"/></row><row r="20"><c><v>5</v></c></row>
                    """
            ).bytes
        )
        #expect(read.map(\.number) == [3, 4, 20])
        #expect(read[0].values == [1: .number(1), 2: .number(2), 26: .number(3)])
        #expect(read[1].values == [0: .number(4)])
    }

    @Test(arguments: ["x:", "main:"]) func `reads prefixed elements`(prefix: String) throws {
        let sheet = """
            <\(prefix)worksheet xmlns:\(prefix.dropLast())="\(TestWorkbook.main)"><\(prefix)sheetData><\(prefix)row>\
            <\(prefix)c><\(prefix)v>5</\(prefix)v></\(prefix)c></\(prefix)row></\(prefix)sheetData></\(prefix)worksheet>
            """
        let book = TestWorkbook(rows: "").with("xl/worksheets/data.xml", sheet)
        #expect(try rows(book.bytes).first?.values == [0: .number(5)])
    }

    @Test func `reads strict workbooks`() throws {
        let book = TestWorkbook(
            rows: "<row><c><v>5</v></c></row>",
            namespace: "http://purl.oclc.org/ooxml/spreadsheetml/main",
            office: "http://purl.oclc.org/ooxml/officeDocument/relationships"
        )
        #expect(try rows(book.bytes).first?.values == [0: .number(5)])
    }

    @Test func `ignores elements of other namespaces that share names`() throws {
        let values = try firstRow("<c><v>5</v><z:v xmlns:z=\"urn:z\">6</z:v></c>")
        #expect(values == [.number(5)])
    }

    @Test func `finds sheets by their exact name`() throws {
        let book = TestWorkbook(rows: "<row><c><v>5</v></c></row>", sheet: "Müşteriler İĞ").bytes
        #expect(try rows(book, sheet: "Müşteriler İĞ").count == 1)
        let error = try #require(refusal(book, sheet: "müşteriler iğ"))
        #expect(error.code == .noSuchSheet)
        #expect(error.message.contains("'Müşteriler İĞ'"))
    }

    @Test func `takes the first visible sheet when none is named`() throws {
        let book = TestWorkbook(rows: "").with(
            "xl/workbook.xml",
            """
            <workbook xmlns="\(TestWorkbook.main)" xmlns:r="\(TestWorkbook.office)"><sheets>\
            <sheet name="hidden" sheetId="1" state="hidden" r:id="rId1"/><sheet name="shown" sheetId="2" r:id="rId1"/>\
            <sheet name="chart" sheetId="3" r:id="rId9"/></sheets></workbook>
            """
        )
        let read = try workbook(book.bytes)
        #expect(try read.sheet(nil).name == "shown")
        #expect(read.sheets.map(\.name) == ["hidden", "shown"])
    }

    @Test func `undoes the escapes of control characters`() throws {
        let values = try firstRow("<c t=\"inlineStr\"><is><t>a_x000D_b_x005F_x0041_c_xZZZZ_</t></is></c>")
        #expect(values == [.text("a\rb_x0041_c_xZZZZ_")])
    }

    @Test(arguments: [
        (1, "1900-01-01"), (59, "1900-02-28"), (61, "1900-03-01"), (36_526, "2000-01-01"), (45_351, "2024-02-29"),
        (2_958_465, "9999-12-31"),
    ]) func `turns serial numbers into days`(serial: Int, expected: String) throws {
        #expect(try firstRow("<c s=\"1\"><v>\(serial)</v></c>").map(\.text) == [expected])
    }

    @Test func `shows no day where there was none`() throws {
        #expect(try firstRow("<c s=\"1\"><v>60</v></c><c s=\"1\"><v>-1</v></c>") == [.number(60), .number(-1)])
        #expect(try firstRow("<c s=\"1\"><v>2958466</v></c>") == [.number(2_958_466)])
    }

    @Test func `counts from 1904 where the workbook does`() throws {
        let values = try firstRow(
            "<c s=\"1\"><v>0</v></c><c s=\"1\"><v>43830</v></c>",
            workbook: "<workbookPr date1904=\"1\"/>"
        )
        #expect(values.map(\.text) == ["1904-01-01", "2024-01-01"])
    }

    @Test func `keeps the time of day to the second`() throws {
        let values = try firstRow(
            "<c s=\"2\"><v>45292.999994</v></c><c s=\"3\"><v>0.75</v></c><c s=\"2\"><v>45292.9999999</v></c>"
        )
        #expect(values.map(\.text) == ["2024-01-01T23:59:59", "18:00:00", "2024-01-02"])
    }

    @Test(arguments: [
        ("dd.mm.yyyy", CellStyles.Kind.date), ("yyyy\\-mm\\-dd hh:mm", .dateTime), ("h:mm AM/PM", .time),
        ("mm:ss", .time),
        ("mmmm", .date), ("#,##0.00\\ \"dmy\"", .number), ("0.00;[Red]d", .number), ("[$-41F]d mmmm yyyy", .date),
        ("General", .number), ("\"d\"0", .number), ("0_d", .number),
    ]) func `knows date formats`(code: String, kind: CellStyles.Kind) {
        #expect(CellStyles.kind(ofCode: code) == kind)
    }

    @Test(arguments: [
        (0.1, "0.1"), (0.1 + 0.2, "0.3"), (1234.5, "1234.5"), (1e-7, "0.0000001"), (1.5e20, "150000000000000000000"),
        (-2.5e-6, "-0.0000025"), (1e15, "1000000000000000"), (123456789012345.67, "123456789012346"),
    ]) func `shows numbers with the digits a spreadsheet keeps`(number: Double, text: String) {
        #expect(DecimalText.plain(number) == text)
    }

    @Test func `resolves part names like paths that stay inside`() {
        #expect(Relationships.resolve("worksheets/a.xml", from: "xl/") == "xl/worksheets/a.xml")
        #expect(Relationships.resolve("/xl/a.xml", from: "xl/") == "xl/a.xml")
        #expect(Relationships.resolve("../../../etc/passwd", from: "xl/") == "etc/passwd")
    }

    @Test func `reads a workbook deflated by another program`() throws {
        let row = "<row><c t=\"s\"><v>0</v></c><c><v>12345</v></c></row>"
        let book = try TestWorkbook(rows: "", shared: ["<t>ş</t>"]).compressed(
            part: "xl/worksheets/data.xml",
            before: "<worksheet xmlns=\"\(TestWorkbook.main)\"><sheetData>",
            unit: row,
            times: 5000,
            after: "</sheetData></worksheet>"
        )
        let read = try rows(book)
        #expect(read.count == 5000)
        #expect(read[4999].values == [0: .text("ş"), 1: .number(12_345)])
        #expect(read[4999].number == 5000)
    }
}
