import CeleriacTasks
import CeleryMessage
import Testing

@testable import HandlersExcel

struct CellCheckTests {
    /// The canonical text of an accepted cell, the code of a refused one in brackets, or a dash for a blank.
    private func verdict(_ rule: JSONObject, _ value: CellValue) throws -> String {
        var rule = rule
        rule["name"] = "column"
        switch try CellCheck(ColumnRule(OptionReader(rule))).verdict(value) {
        case .blank: return "-"
        case .accepted(_, let text): return text
        case .refused(let reason): return "[\(reason.code)]"
        }
    }

    private static let newYear =
        CalendarDate(year: 2024, month: 1, day: 1).map { CellValue.date($0, seconds: 0) } ?? .blank

    @Test(arguments: [
        ("text", CellValue.text("  a b\u{a0}"), "a b"), ("text", .number(5), "5"), ("text", .blank, "-"),
        ("text", .text(" \t"), "-"),
        ("text", .error("#REF!"), "[cell_error]"), ("text", .boolean(true), "TRUE"),
        ("integer", .number(5), "5"), ("integer", .text("+5"), "5"), ("integer", .number(5.5), "[not_integer]"),
        ("integer", .text("5.0"), "[not_integer]"), ("integer", .number(1e300), "[not_integer]"),
        ("integer", .text("99999999999999999999"), "[not_integer]"), ("integer", .boolean(true), "[not_integer]"),
        ("decimal", .number(0.1), "0.1"), ("decimal", .text("12,5"), "12.5"),
        ("decimal", .text("-1.234.567,89"), "-1234567.89"),
        ("decimal", .text("1,234,567.89"), "1234567.89"), ("decimal", .text("1.234"), "[ambiguous_number]"),
        ("decimal", .text("1,234"), "[ambiguous_number]"), ("decimal", .text("0.234"), "0.234"),
        ("decimal", .text("1234,567"), "1234.567"),
        ("decimal", .text("1.23.4"), "[not_decimal]"), ("decimal", .text("1e5"), "[not_decimal]"),
        ("decimal", .text("₺5"), "[not_decimal]"),
        ("decimal", .text(","), "[not_decimal]"), ("decimal", .text("1.234.567"), "1234567"),
        ("decimal", .text("٣"), "[not_decimal]"),
        ("date", newYear, "2024-01-01"), ("date", .text("29.02.2024"), "2024-02-29"),
        ("date", .text("2024-2-9"), "2024-02-09"),
        ("date", .text("31/12/2024"), "2024-12-31"), ("date", .text("29.02.2023"), "[not_date]"),
        ("date", .text("12/31/2024"), "[not_date]"),
        ("date", .number(45_292), "[not_date]"), ("date", .text("1.1.24"), "[not_date]"),
        ("date", .text("2024.01-01"), "[not_date]"),
        ("email", .text("ali.veli+x@sub.example.com"), "ali.veli+x@sub.example.com"),
        ("email", .text("ali@örnek.com.tr"), "ali@örnek.com.tr"),
        ("email", .text("ali"), "[not_email]"), ("email", .text("a@b"), "[not_email]"),
        ("email", .text("a b@example.com"), "[not_email]"),
        ("email", .text("a@example.com\nBcc: x@y.com"), "[not_email]"),
        ("email", .text(".a@example.com"), "[not_email]"),
        ("email", .text("a@@example.com"), "[not_email]"), ("email", .text("a@-x.com"), "[not_email]"),
        ("email", .text("ş@example.com"), "[not_email]"),
        ("phone", .text("0555 123 45 67"), "+905551234567"), ("phone", .number(5_551_234_567), "+905551234567"),
        ("phone", .text("+90 (555) 123-4567"), "+905551234567"), ("phone", .text("00491701234567"), "+491701234567"),
        ("phone", .text("905551234567"), "+905551234567"), ("phone", .text("0123"), "[not_phone]"),
        ("phone", .text("00555123456789012345"), "[not_phone]"),
        ("phone", .text("abc"), "[not_phone]"), ("phone", .text("05551234"), "[not_phone]"),
        ("boolean", .boolean(false), "false"), ("boolean", .text("EVET"), "true"), ("boolean", .text("Hayır"), "false"),
        ("boolean", .text("HAYIR"), "false"), ("boolean", .number(1), "true"), ("boolean", .number(2), "[not_boolean]"),
    ]) func `reads cells by kind`(kind: String, value: CellValue, expected: String) throws {
        #expect(try verdict(["type": .string(kind)], value) == expected)
    }

    @Test(
        arguments: [
            (["required": true], CellValue.blank, "[required]"), (["required": true], .text("  "), "[required]"),
            (["min": 2, "max": 3], .text("ş"), "[too_short]"), (["min": 2, "max": 3], .text("şğüi"), "[too_long]"),
            (["min": 2, "max": 3], .text("şğü"), "şğü"),
            (["type": "integer", "min": 18], .number(17), "[too_small]"),
            (["type": "integer", "min": 18], .number(18), "18"),
            (["type": "decimal", "max": 0.5], .text("0,51"), "[too_large]"),
            (["type": "decimal", "max": 0.5], .number(0.5), "0.5"),
            (["type": "date", "min": "2024-01-01"], .text("31.12.2023"), "[too_small]"),
            (["type": "date", "max": "2024-01-01"], .text("01.01.2024"), "2024-01-01"),
            (["type": "date", "max": .tagged(.date("2024-01-01"))], .text("02.01.2024"), "[too_large]"),
            (["pattern": "[A-Z]{2}[0-9]+"], .text("TR12"), "TR12"),
            (["pattern": "[A-Z]{2}[0-9]+"], .text("xTR12"), "[pattern]"),
            (["pattern": ".*"], .text(String(repeating: "a", count: 1_001)), "[pattern]"),
            (["one_of": ["açık", "kapalı", 5]], .text("açık"), "açık"),
            (["one_of": ["açık", "kapalı", 5]], .text("Açık"), "[not_allowed]"),
            (["one_of": ["açık", "kapalı", 5]], .number(5), "5"),
            (["type": "decimal", "decimal_separator": ","], .text("1.234"), "1234"),
            (["type": "decimal", "decimal_separator": "."], .text("1.234"), "1.234"),
            (["type": "decimal", "decimal_separator": "."], .text("1,5"), "[not_decimal]"),
            (["type": "phone", "country": 49], .text("0170 1234567"), "+491701234567"),
        ] as [(JSONObject, CellValue, String)]
    ) func `holds cells to their rule`(rule: JSONObject, value: CellValue, expected: String) throws {
        #expect(try verdict(rule, value) == expected)
    }

    @Test func `folds the Turkish letters i alike`() {
        #expect(Set(["IŞIK", "ışık", "İşik", "işik "].map(TurkishFold.fold)).count == 1)
    }

    @Test func `names columns as a spreadsheet does`() {
        #expect([0, 25, 26, 701, 702, 16_383].map(ColumnLetters.text) == ["A", "Z", "AA", "ZZ", "AAA", "XFD"])
        #expect(ColumnLetters.column(of: "XFD7", limit: 16_384) == 16_383)
        #expect(ColumnLetters.column(of: "XFE7", limit: 16_384) == nil)
        #expect(ColumnLetters.column(of: "7", limit: 16_384) == nil)
    }

    @Test func `knows the calendar from end to end`() throws {
        var previous = try #require(CalendarDate(daysSince1970: -719_162))
        #expect(previous.description == "0001-01-01")
        for days in stride(from: -719_161, through: 100_000, by: 1) {
            let day = try #require(CalendarDate(daysSince1970: days))
            if day <= previous || CalendarDate(year: day.year, month: day.month, day: day.day) == nil {
                Issue.record("day \(days) is \(day) after \(previous)")
                return
            }
            previous = day
        }
        #expect(previous.description == "2243-10-17")
    }
}
