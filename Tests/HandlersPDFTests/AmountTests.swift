import Databases
import Testing

@testable import HandlersPDF

struct AmountTests {
    @Test(arguments: [
        ("0", "0,00"), ("-0.001", "0,00"), ("0.005", "0,01"), ("-0.005", "-0,01"), ("12", "12,00"), ("+7.5", "7,50"),
        ("999.999", "1.000,00"), ("1234567.89", "1.234.567,89"), ("-1234.5", "-1.234,50"),
        ("123456789012345678901.123456", "123.456.789.012.345.678.901,12"),
    ])
    func `writes amounts in Turkish`(text: String, expected: String) throws {
        let amount = try #require(Amount(text))
        #expect(StatementLocale.turkish.money(amount) == expected)
    }

    @Test(arguments: [
        "", "-", ".", ".5", "5.", "1,5", "1.2.3", "1e5", " 1", "1 ", "١٢", "12a", "0x10", "1.1234567", "--1",
        "1234567890123456789012", "nan",
    ])
    func `refuses what is not plain decimal notation`(text: String) {
        #expect(Amount(text) == nil)
    }

    @Test func `adds without error where floating point has one`() throws {
        let sum = try (0..<10).reduce(Amount.zero) { sum, _ in sum + (try #require(Amount("0.1"))) }
        #expect(sum == Amount("1"))
    }

    @Test(arguments: [
        (SQLValue.int(5), "5,00"), (.int(.max), "9.223.372.036.854.775.807,00"), (.text("5.25"), "5,25"),
        (.decimal("-5.25"), "-5,25"), (.double(1234.56), "1.234,56"), (.double(0.1 + 0.2), "0,30"),
        (.double(-0.00000001), "0,00"), (.double(2e15), "2.000.000.000.000.000,00"),
        (.double(1.9999999), "2,00"),
    ])
    func `reads values of a row`(value: SQLValue, expected: String) throws {
        #expect(StatementLocale.turkish.money(try #require(Amount(value))) == expected)
    }

    @Test(arguments: [
        SQLValue.null, .bytes([1]), .bool(true), .text("x"), .double(.nan), .double(.infinity), .double(1e300),
    ])
    func `reads no amount from other values`(value: SQLValue) {
        #expect(Amount(value) == nil)
    }

    @Test func `writes as many places as asked`() throws {
        let amount = try #require(Amount("1234.5678"))
        #expect(StatementLocale.turkish.money(amount, places: 0) == "1.235")
        #expect(StatementLocale.turkish.money(amount, places: 4) == "1.234,5678")
        #expect(StatementLocale.british.money(amount) == "1,234.57")
        #expect(amount.text == "1234.567800")
    }
}

struct StatementLocaleTests {
    @Test(arguments: [
        (StatementLocale.turkish, "15.01.2027"), (.german, "15.01.2027"), (.british, "15/01/2027"),
        (.american, "01/15/2027"),
    ])
    func `writes days`(locale: StatementLocale, expected: String) {
        #expect(locale.date("2027-01-15") == expected)
        #expect(locale.date("2027-01-15 08:30:00") == expected)
        #expect(locale.date("2027-01-15T08:30:00Z") == expected)
    }

    @Test(arguments: ["", "2027", "15.01.2027", "2027-1-15", "2027-13-01", "2027-01-32", "2027-01-15x", "٢٠٢٧-01-15"])
    func `refuses what is not a day`(text: String) {
        #expect(StatementLocale.turkish.date(text) == nil)
    }
}

struct TextTemplateTests {
    private let values: [String: SQLValue] = [
        "name": "Şen {name}", "day": "2027-01-15", "sum": "1234.5", "nothing": .null,
    ]

    @Test(arguments: [
        ("plain", "plain"), ("", ""), ("{name}!", "Şen {name}!"), ("{{{day|date}}}", "{15.01.2027}"),
        ("{sum|money} TL{nothing|money}", "1.234,50 TL"), ("{sum|text}", "1234.5"),
    ])
    func `fills fields and never reads a value as a template`(template: String, expected: String) throws {
        #expect(try TextTemplate(template).filled(.turkish) { values[$0] } == expected)
    }

    @Test(arguments: [
        ("{name", "is not closed"), ("name}", "was not opened"), ("{}", "is not a field"), ("{a b}", "is not a field"),
        ("{name|upper}", "unknown format upper"),
    ])
    func `refuses a wrong template`(template: String, reason: String) throws {
        let problem = try #require(throws: TextTemplate.Problem.self) { try TextTemplate(template) }
        #expect(problem.message.contains(reason))
    }

    @Test(arguments: [
        ("{other}", "no column 'other'"), ("{name|date}", "cannot be written as date"),
        ("{day|money}", "cannot be written as money"),
    ])
    func `says which value does not fit`(template: String, reason: String) throws {
        let problem = try #require(throws: TextTemplate.Problem.self) {
            try TextTemplate(template).filled(.turkish) { values[$0] }
        }
        #expect(problem.message.contains(reason))
    }
}
