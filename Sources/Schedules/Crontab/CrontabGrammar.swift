/// Celery's grammar of one crontab field, read into a set of bits.
///
/// `celery/schedules.py` matches each part of a field with patterns that look at its beginning only. What follows a
/// range or a step is therefore ignored there, and here: `1-2-3` is `1-2`. `Docs/Beat.md` lists these oddities.
struct CrontabGrammar {
    /// A field's name in schedule files.
    var name: String
    /// The values that the field may have.
    var range: ClosedRange<Int>

    static let minute = CrontabGrammar(name: "minute", range: 0...59)
    static let hour = CrontabGrammar(name: "hour", range: 0...23)
    static let dayOfWeek = CrontabGrammar(name: "day_of_week", range: 0...6)
    static let dayOfMonth = CrontabGrammar(name: "day_of_month", range: 1...31)
    static let monthOfYear = CrontabGrammar(name: "month_of_year", range: 1...12)

    /// The longest field that is read; a list of all minutes has 169 characters.
    private static let longest = 1000

    /// The values that a field names, value `n` as bit `n`.
    func bits(_ field: CrontabField) throws(ScheduleError) -> UInt64 {
        var bits: UInt64 = 0
        switch field {
        case .values(let values):
            if values.isEmpty { throw error("the list is empty; leave the field out for every value") }
            for value in values { bits |= 1 << UInt64(try checked(value, in: String(value))) }
        case .text("*"):
            for value in range { bits |= 1 << UInt64(value) }
        case .text(let text):
            guard text.utf8.count <= Self.longest else {
                throw error("a field of \(text.utf8.count) characters is too long")
            }
            if let number = Self.digits(text), range.contains(number) { return 1 << UInt64(number) }
            for part in text.utf8.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
                for value in try values(Part(part)) { bits |= 1 << UInt64(value) }
            }
        }
        return bits
    }

    /// A cursor over one part of a field, between two commas.
    private struct Part {
        let text: Substring.UTF8View
        var rest: Substring.UTF8View

        init(_ text: Substring.UTF8View) {
            self.text = text
            rest = text
        }

        var quoted: String { "\"\(String(Substring(text)))\"" }

        mutating func take(_ mark: Unicode.Scalar) -> Bool {
            guard rest.first == UInt8(truncatingIfNeeded: mark.value) else { return false }
            rest = rest.dropFirst()
            return true
        }

        /// Letters, digits and underscores, and every character beyond ASCII, which then is no number and no name.
        mutating func word() -> Substring.UTF8View? {
            let word = rest.prefix { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), 0x80...0xff:
                    true
                default: false
                }
            }
            guard !word.isEmpty else { return nil }
            rest = rest[word.endIndex...]
            return word
        }
    }

    private func values(_ part: Part) throws(ScheduleError) -> [Int] {
        guard !part.text.isEmpty else { throw error("there is nothing between two commas, or nothing at all") }
        var part = part
        if part.take("*") {
            if part.take("/") { return stepped(Array(range), by: try step(&part)) }
            if part.rest.isEmpty { return Array(range) }
        } else if let first = part.word(), part.take("-"), let last = part.word() {
            let span = try span(from: first, to: last, in: part)
            return part.take("/") ? stepped(span, by: try step(&part)) : span
        }
        return [try number(part.text, in: part)]
    }

    /// The values from one to another, past the end and on from the beginning where the second is the smaller.
    private func span(
        from first: Substring.UTF8View,
        to last: Substring.UTF8View,
        in part: Part
    ) throws(ScheduleError) -> [Int] {
        let first = try number(first, in: part)
        let last = try number(last, in: part)
        return last < first
            ? Array(first...range.upperBound) + Array(range.lowerBound...last) : Array(first...last)
    }

    private func stepped(_ values: [Int], by step: Int) -> [Int] {
        stride(from: 0, to: values.count, by: step).map { values[$0] }
    }

    private func step(_ part: inout Part) throws(ScheduleError) -> Int {
        guard let word = part.word() else { throw error("\(part.quoted) has no number after its slash") }
        guard let step = Self.integer(word) else {
            throw error("\(part.quoted) has a step that is not a whole number")
        }
        guard step > 0 else { throw error("\(part.quoted) has a step of 0") }
        // No field has as many values, and sums of two such steps stay small.
        return min(step, 100)
    }

    private func number(_ text: Substring.UTF8View, in part: Part) throws(ScheduleError) -> Int {
        if text.first == UInt8(ascii: "-") { throw error("\(part.quoted) is negative") }
        if let number = Self.integer(text) { return try checked(number, in: part.quoted) }
        if let number = Self.name(text) { return try checked(number, in: part.quoted) }
        throw error("\(part.quoted) is neither *, a number, a name, a range nor a step\(hint(for: part))")
    }

    private func hint(for part: Part) -> String {
        guard let slash = part.text.firstIndex(of: UInt8(ascii: "/")), slash > part.text.startIndex,
            Self.integer(part.text[..<slash]) != nil
        else { return "" }
        let start = String(Substring(part.text[..<slash]))
        return "; a step needs a range before it: \(start)-\(range.upperBound)\(String(Substring(part.text[slash...])))"
    }

    private func checked(_ number: Int, in text: String) throws(ScheduleError) -> Int {
        guard range.contains(number) else {
            let sunday = name == "day_of_week" && number == 7 ? "; Sunday is 0" : ""
            throw error("\(text) is outside \(range.lowerBound)-\(range.upperBound)\(sunday)")
        }
        return number
    }

    private func error(_ message: String) -> ScheduleError { ScheduleError(.field, message, field: name) }

    // MARK: Numbers and names

    /// One or two digits and nothing else, which is what most fields are.
    private static func digits(_ text: String) -> Int? {
        guard (1...2).contains(text.utf8.count) else { return nil }
        var number = 0
        for byte in text.utf8 {
            let digit = byte &- UInt8(ascii: "0")
            guard digit < 10 else { return nil }
            number = number * 10 + Int(digit)
        }
        return number
    }

    /// A whole number as Python's `int()` reads one: spaces around it, a sign, underscores between digits.
    static func integer(_ text: Substring.UTF8View) -> Int? {
        var rest = text
        while let first = rest.first, isSpace(first) { rest = rest.dropFirst() }
        while let last = rest.last, isSpace(last) { rest = rest.dropLast() }
        let negative = rest.first == UInt8(ascii: "-")
        if negative || rest.first == UInt8(ascii: "+") { rest = rest.dropFirst() }
        var number = 0
        var afterDigit = false
        for byte in rest {
            if byte == UInt8(ascii: "_"), afterDigit {
                afterDigit = false
                continue
            }
            guard byte &- UInt8(ascii: "0") < 10 else { return nil }
            // Enough digits to be out of every range; more would only overflow.
            number = min(number * 10 + Int(byte - UInt8(ascii: "0")), 1_000_000)
            afterDigit = true
        }
        return afterDigit ? (negative ? -number : number) : nil
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0d).contains(byte) }

    /// A month or a weekday by its first three letters, months first whatever the field, as in Celery.
    private static func name(_ text: Substring.UTF8View) -> Int? {
        let letters = Array(text.prefix(3).map { (0x41...0x5a).contains($0) ? $0 | 0x20 : $0 })
        guard letters.count == 3 else { return nil }
        if let month = months.firstIndex(where: { $0.elementsEqual(letters) }) { return month + 1 }
        return weekdays.firstIndex { $0.elementsEqual(letters) }
    }

    private static let months = [
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    ].map { Array($0.utf8) }
    private static let weekdays = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"].map { Array($0.utf8) }
}
