import HandlersSMS
import Testing

struct PhoneNumberTests {
    @Test(arguments: [
        "05321234567", "+905321234567", "905321234567", "00905321234567", "5321234567", "0532 123 45 67",
        "+90 (532) 123-45-67", "0 532-123.45/67", "\u{202a}+90 532 123 45 67\u{202c}", "0532\u{a0}1234567",
        "\t0532 1234567 ", "+90\u{2011}532\u{2013}1234567",
    ])
    func `reads a Turkish number however it is written`(text: String) throws {
        #expect(try PhoneNumber(text).e164 == "+905321234567")
    }

    @Test(arguments: [
        ("+49 151 23456789", "+4915123456789"), ("0049 151 23456789", "+4915123456789"),
        ("+1 (415) 555-2671", "+14155552671"),
        ("+994501234567", "+994501234567"), ("+35799123456", "+35799123456"), ("02121234567", "+902121234567"),
    ])
    func `reads other numbers`(text: String, number: String) throws {
        #expect(try PhoneNumber(text).e164 == number)
    }

    @Test(arguments: [
        "", " ", "+", "abc", "0532123456", "053212345678", "532123456", "+90532123456", "+9053212345678",
        "0532 123 45 6x",
        "++905321234567", "90+5321234567", "12345678", "+0905321234567", "0000905321234567", "٠٥٣٢١٢٣٤٥٦٧",
        "0532123\n4567", "+1234567", "+1234567890123456", "05321234567;rm", "+900321234567", "00",
        String(repeating: "5", count: 10_000),
    ])
    func `refuses what is no number and names it`(text: String) {
        let error = #expect(throws: PhoneNumberError.self) { try PhoneNumber(text) }
        #expect(error?.description.hasPrefix("is not a phone number: '") == true)
        #expect((error?.description.count ?? 999) < 80)
    }

    @Test func `another home country has its own rules`() throws {
        #expect(try PhoneNumber("0151 23456789", home: "49").e164 == "+4915123456789")
        #expect(try PhoneNumber("15123456789", home: "49").e164 == "+4915123456789")
        #expect(try PhoneNumber("4915123456789", home: "49").e164 == "+4915123456789")
    }

    @Test func `shows itself as gateways and logs want it`() throws {
        let number = try PhoneNumber("05321234567")
        #expect(number.turkishDialling == "5321234567")
        #expect(number.digits == "905321234567")
        #expect(number.masked == "+90********67")
        #expect(try PhoneNumber("+4915123456789").turkishDialling == "004915123456789")
    }
}

struct SMSLengthTests {
    @Test(
        arguments: [
            ("", SMSEncoding.gsm7, 0, 0), ("Merhaba", .gsm7, 7, 1), ("ÖöÜüÇ", .gsm7, 5, 1), ("€", .gsm7, 2, 1),
            ("[x]", .gsm7, 5, 1), ("ş", .gsm7Turkish, 2, 1), ("ğüşıöç İĞÜŞÖÇ", .gsm7Turkish, 20, 1), ("₺", .ucs2, 1, 1),
            ("日本", .ucs2, 2, 1), ("😀", .ucs2, 2, 1), ("ş₺", .ucs2, 2, 1), ("`", .ucs2, 1, 1),
        ] as [(String, SMSEncoding, Int, Int)]
    )
    func `finds the smallest alphabet`(text: String, encoding: SMSEncoding, units: Int, parts: Int) {
        let length = SMSLength(text)
        #expect(length.encoding == encoding)
        #expect(length.units == units)
        #expect(length.parts == parts)
    }

    @Test(arguments: [
        ("a", 160, 1), ("a", 161, 2), ("a", 306, 2), ("a", 307, 3), ("€", 80, 1), ("€", 81, 2),
        // 153 holds 76 pairs: an escape never ends a part.
        ("€", 152, 2), ("€", 153, 3), ("ş", 77, 1), ("ş", 78, 2), ("ş", 148, 2), ("ş", 149, 3),
        ("₺", 70, 1), ("₺", 71, 2), ("₺", 134, 2), ("₺", 135, 3),
        // 67 holds 33 pairs.
        ("😀", 35, 1), ("😀", 36, 2), ("😀", 66, 2), ("😀", 67, 3),
    ])
    func `counts parts`(letter: String, count: Int, parts: Int) {
        #expect(SMSLength(String(repeating: letter, count: count)).parts == parts)
    }

    @Test func `without the Turkish table the same text is dearer`() {
        let text = String(repeating: "ş", count: 71)
        #expect(SMSLength(text).parts == 1)
        #expect(SMSLength(text, turkishShift: false).parts == 2)
        #expect(SMSLength(text, turkishShift: false).encoding == .ucs2)
    }
}
