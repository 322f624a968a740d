/// PyYAML's implicit timestamps, turned into the text that Python's `isoformat` gives for the value it reads.
enum PythonTimestamp {
    /// The date or date and time that `bytes` write, or `nil` when they do not have the form or no such day exists.
    static func value(_ bytes: [UInt8]) -> YAMLValue? {
        guard bytes.count <= 64 else { return nil }
        var cursor = Cursor(rest: bytes[...])
        guard let year = cursor.digits(4...4), cursor.take(0x2D) else { return nil }
        let monthStart = cursor.rest.count
        guard let month = cursor.digits(1...2), cursor.take(0x2D), let day = cursor.digits(1...2) else { return nil }
        guard year >= 1, (1...12).contains(month), day >= 1, day <= days(in: month, of: year) else { return nil }
        let date = "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))"
        if cursor.rest.isEmpty { return monthStart == 5 ? .date(date) : nil }
        return time(&cursor).map { .datetime("\(date)T\($0)") }
    }

    private static func time(_ cursor: inout Cursor) -> String? {
        if !cursor.take(0x54), !cursor.take(0x74), cursor.skipBlanks() == 0 { return nil }
        guard let hour = cursor.digits(1...2), cursor.take(0x3A),
            let minute = cursor.digits(2...2), cursor.take(0x3A),
            let second = cursor.digits(2...2), hour < 24, minute < 60, second < 60
        else { return nil }
        var text = "\(padded(hour, 2)):\(padded(minute, 2)):\(padded(second, 2))"
        if cursor.take(0x2E) {
            let fraction = cursor.rest.prefix(while: isDigit)
            cursor.rest = cursor.rest.dropFirst(fraction.count)
            let six = String(decoding: fraction.prefix(6), as: UTF8.self)
            let microseconds = six + String(repeating: "0", count: 6 - six.utf8.count)
            if microseconds != "000000" { text += "." + microseconds }
        }
        cursor.skipBlanks()
        if cursor.rest.isEmpty { return text }
        return offset(&cursor).map { text + $0 }
    }

    private static func offset(_ cursor: inout Cursor) -> String? {
        if cursor.take(0x5A) { return cursor.rest.isEmpty ? "+00:00" : nil }
        let negative = cursor.take(0x2D)
        guard negative || cursor.take(0x2B), let hours = cursor.digits(1...2) else { return nil }
        var minutes = 0
        if cursor.take(0x3A) {
            guard let given = cursor.digits(2...2) else { return nil }
            minutes = given
        }
        guard cursor.rest.isEmpty, hours < 24, minutes < 60 else { return nil }
        let sign = negative && hours + minutes > 0 ? "-" : "+"
        return "\(sign)\(padded(hours, 2)):\(padded(minutes, 2))"
    }

    private static func days(in month: Int, of year: Int) -> Int {
        switch month {
        case 2: year.isMultiple(of: 4) && (!year.isMultiple(of: 100) || year.isMultiple(of: 400)) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    private static func padded(_ number: Int, _ width: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, width - text.utf8.count)) + text
    }

    /// What is left to read of a timestamp.
    private struct Cursor {
        var rest: ArraySlice<UInt8>

        mutating func take(_ byte: UInt8) -> Bool {
            guard rest.first == byte else { return false }
            rest = rest.dropFirst()
            return true
        }

        mutating func digits(_ count: ClosedRange<Int>) -> Int? {
            let found = rest.prefix(count.upperBound).prefix(while: isDigit)
            guard found.count >= count.lowerBound else { return nil }
            rest = rest.dropFirst(found.count)
            return Int(String(decoding: found, as: UTF8.self))
        }

        @discardableResult
        mutating func skipBlanks() -> Int {
            let blanks = rest.prefix { $0 == 0x20 || $0 == 0x09 }
            rest = rest.dropFirst(blanks.count)
            return blanks.count
        }
    }
}
