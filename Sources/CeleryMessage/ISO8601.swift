/// Dates as Celery reads and writes them in headers and results.
///
/// Reading takes what `dateutil.parser.isoparse` takes, which is what `celery/utils/time.py` reads ETAs with:
/// calendar, week and ordinal dates, basic and extended, any separator before the time, a fraction after a point or
/// comma, `Z` or an offset, and 24:00 for the following midnight. Writing follows Python's `isoformat`.
public enum ISO8601 {
    /// The moment a text names, or `nil` when it names none; without an offset it is read as UTC.
    public static func date(_ text: String) -> Instant? { fields(text)?.instant }

    /// The moment as `YYYY-MM-DDTHH:MM:SS[.ffffff]+HH:MM`, shown at `offset` seconds east of UTC.
    public static func string(_ instant: Instant, offset: Int = 0) -> String {
        var out: [UInt8] = []
        write(instant, offset: offset, into: &out)
        return String(decoding: out, as: UTF8.self)
    }

    // MARK: Writing

    /// Appends the moment; the fraction is left out when it is zero, as in Python.
    static func write(_ instant: Instant, offset: Int, into out: inout [UInt8]) {
        // Years of up to six digits with a sign, and 28 more characters.
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 40) { buffer in
            var line = Line(buffer: buffer)
            line.write(instant, offset: offset)
            out.append(contentsOf: UnsafeBufferPointer(rebasing: buffer[..<line.count]))
        }
    }

    /// A short piece of memory that fills up with digits and marks.
    private struct Line {
        let buffer: UnsafeMutableBufferPointer<UInt8>
        var count = 0

        mutating func write(_ instant: Instant, offset: Int) {
            let (local, _) = instant.microseconds.addingReportingOverflow(Int64(offset) * 1_000_000)
            let day = Int64(86_400_000_000)
            var days = local / day
            var rest = local % day
            if rest < 0 {
                rest += day
                days -= 1
            }
            let date = Calendar.civil(days: Int(days))
            let seconds = Int(rest / 1_000_000)
            let fraction = Int(rest % 1_000_000)
            year(date.year)
            mark("-")
            pair(date.month)
            mark("-")
            pair(date.day)
            mark("T")
            pair(seconds / 3600)
            mark(":")
            pair(seconds / 60 % 60)
            mark(":")
            pair(seconds % 60)
            if fraction > 0 {
                mark(".")
                pair(fraction / 10_000)
                pair(fraction / 100 % 100)
                pair(fraction % 100)
            }
            mark(offset < 0 ? "-" : "+")
            pair(Int(offset.magnitude) / 3600 % 100)
            mark(":")
            pair(Int(offset.magnitude) / 60 % 60)
        }

        /// Four digits, more with a sign beyond the years that Python has.
        private mutating func year(_ year: Int) {
            if year < 0 { mark("-") }
            if year.magnitude >= 10_000 { pair(Int(year.magnitude) / 10_000) }
            pair(Int(year.magnitude) / 100 % 100)
            pair(Int(year.magnitude) % 100)
        }

        private mutating func mark(_ mark: Unicode.Scalar) {
            buffer[count] = UInt8(truncatingIfNeeded: mark.value)
            count &+= 1
        }

        private mutating func pair(_ number: Int) {
            buffer[count] = UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: number / 10)
            buffer[count &+ 1] = UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: number % 10)
            count &+= 2
        }
    }

    // MARK: Reading

    /// What a text says, before it is placed on the time line.
    struct Fields: Equatable {
        var year = 1970
        var month = 1
        var day = 1
        var hour = 0
        var minute = 0
        var second = 0
        var microsecond = 0
        /// Seconds east of UTC; `nil` when the text has none.
        var offset: Int?

        var instant: Instant {
            let days = Int64(Calendar.days(year: year, month: month, day: day))
            let seconds = days * 86400 + Int64(hour * 3600 + minute * 60 + second - (offset ?? 0))
            return Instant(microseconds: seconds * 1_000_000 + Int64(microsecond))
        }

        /// `YYYY-MM-DD`.
        var dateText: String { String(ISO8601.string(Fields(year: year, month: month, day: day).instant).prefix(10)) }
    }

    /// The parts of a date, with or without a time.
    static func fields(_ text: String) -> Fields? {
        var cursor = Cursor(bytes: Array(text.utf8.prefix(64)))
        guard text.utf8.count <= 64, var fields = date(&cursor) else { return nil }
        guard !cursor.atEnd else { return fields }
        cursor.place += 1
        guard time(&cursor, into: &fields) else { return nil }
        if fields.hour == 24 {
            let next = Calendar.civil(days: Calendar.days(year: fields.year, month: fields.month, day: fields.day) + 1)
            (fields.year, fields.month, fields.day, fields.hour) = (next.year, next.month, next.day, 0)
        }
        return fields
    }

    /// The parts of a time of day alone.
    static func timeFields(_ text: String) -> Fields? {
        var cursor = Cursor(bytes: Array(text.utf8.prefix(64)))
        var fields = Fields()
        guard text.utf8.count <= 64, time(&cursor, into: &fields), fields.hour < 24 else { return nil }
        return fields
    }

    private struct Cursor {
        var bytes: [UInt8]
        var place = 0

        var atEnd: Bool { place >= bytes.count }
        var next: UInt8? { place < bytes.count ? bytes[place] : nil }

        mutating func passed(_ byte: Character) -> Bool {
            guard let next, next == byte.asciiValue else { return false }
            place += 1
            return true
        }

        /// Exactly `count` digits, or `nil` with nothing read.
        mutating func number(_ count: Int) -> Int? {
            guard place + count <= bytes.count else { return nil }
            var value = 0
            for byte in bytes[place..<place + count] {
                guard byte &- UInt8(ascii: "0") < 10 else { return nil }
                value = value * 10 + Int(byte - UInt8(ascii: "0"))
            }
            place += count
            return value
        }
    }

    private static func date(_ cursor: inout Cursor) -> Fields? {
        let start = cursor
        if let fields = calendarDate(&cursor) { return fields }
        cursor = start
        return weekOrOrdinalDate(&cursor)
    }

    private static func calendarDate(_ cursor: inout Cursor) -> Fields? {
        guard let year = cursor.number(4), year > 0 else { return nil }
        var fields = Fields(year: year)
        if cursor.atEnd { return fields }
        let dashed = cursor.passed("-")
        guard let month = cursor.number(2) else { return nil }
        guard (1...12).contains(month) else { return nil }
        fields.month = month
        if cursor.atEnd { return dashed ? fields : nil }
        if dashed, !cursor.passed("-") { return nil }
        guard let day = cursor.number(2), (1...Calendar.days(in: month, of: year)).contains(day) else { return nil }
        fields.day = day
        return fields
    }

    private static func weekOrOrdinalDate(_ cursor: inout Cursor) -> Fields? {
        guard let year = cursor.number(4), year > 0 else { return nil }
        let dashed = cursor.passed("-")
        let days: Int
        if cursor.passed("W") {
            guard let week = cursor.number(2), (1...53).contains(week) else { return nil }
            var weekday = 1
            if !cursor.atEnd {
                guard cursor.passed("-") == dashed, let day = cursor.number(1), (1...7).contains(day) else {
                    return nil
                }
                weekday = day
            }
            // Week 1 is the one with 4 January in it; day 0 of the epoch was a Thursday.
            let fourth = Calendar.days(year: year, month: 1, day: 4)
            let monday = fourth - ((fourth + 3) % 7 + 7) % 7
            days = monday + (week - 1) * 7 + weekday - 1
        } else {
            guard let ordinal = cursor.number(3), ordinal >= 1, ordinal <= 365 + (Calendar.isLeap(year) ? 1 : 0) else {
                return nil
            }
            days = Calendar.days(year: year, month: 1, day: 1) + ordinal - 1
        }
        let civil = Calendar.civil(days: days)
        return Fields(year: civil.year, month: civil.month, day: civil.day)
    }

    private static func time(_ cursor: inout Cursor, into fields: inout Fields) -> Bool {
        guard let hour = cursor.number(2) else { return false }
        fields.hour = hour
        let colons = cursor.next == UInt8(ascii: ":")
        if cursor.next != nil, !atZone(cursor) {
            if colons { cursor.place += 1 }
            guard let minute = cursor.number(2) else { return false }
            fields.minute = minute
        }
        if cursor.next != nil, !atZone(cursor) {
            if colons, !cursor.passed(":") { return false }
            guard let second = cursor.number(2) else { return false }
            fields.second = second
            if let mark = cursor.next, mark == UInt8(ascii: ".") || mark == UInt8(ascii: ",") {
                cursor.place += 1
                guard let fraction = fraction(&cursor) else { return false }
                fields.microsecond = fraction
            }
        }
        guard zone(&cursor, into: &fields), cursor.atEnd else { return false }
        let midnight = fields.minute == 0 && fields.second == 0 && fields.microsecond == 0
        return fields.minute < 60 && fields.second < 60 && (fields.hour < 24 || (fields.hour == 24 && midnight))
    }

    /// Digits after the point, of which six count.
    private static func fraction(_ cursor: inout Cursor) -> Int? {
        var value = 0
        var count = 0
        while let digit = cursor.number(1) {
            if count < 6 { value = value * 10 + digit }
            count += 1
        }
        guard count > 0 else { return nil }
        for _ in count..<max(count, 6) { value *= 10 }
        return value
    }

    private static func atZone(_ cursor: Cursor) -> Bool {
        guard let byte = cursor.next else { return false }
        return "+-Zz".utf8.contains(byte)
    }

    private static func zone(_ cursor: inout Cursor, into fields: inout Fields) -> Bool {
        guard let mark = cursor.next else { return true }
        cursor.place += 1
        if mark | 0x20 == UInt8(ascii: "z") {
            fields.offset = 0
            return true
        }
        guard mark == UInt8(ascii: "+") || mark == UInt8(ascii: "-"), let hours = cursor.number(2), hours < 24 else {
            return false
        }
        var minutes = 0
        if !cursor.atEnd {
            _ = cursor.passed(":")
            guard let number = cursor.number(2), number < 60 else { return false }
            minutes = number
        }
        fields.offset = (hours * 3600 + minutes * 60) * (mark == UInt8(ascii: "-") ? -1 : 1)
        return true
    }

    // MARK: The calendar

    /// Days and dates of the proleptic Gregorian calendar, after Howard Hinnant's `days_from_civil`.
    private enum Calendar {
        static func isLeap(_ year: Int) -> Bool { year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) }

        static func days(in month: Int, of year: Int) -> Int {
            month == 2 ? (isLeap(year) ? 29 : 28) : [4, 6, 9, 11].contains(month) ? 30 : 31
        }

        /// Days since 1970-01-01.
        static func days(year: Int, month: Int, day: Int) -> Int {
            let shifted = month <= 2 ? year - 1 : year
            let era = (shifted >= 0 ? shifted : shifted - 399) / 400
            let yearOfEra = shifted - era * 400
            let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
            return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
        }

        static func civil(days: Int) -> (year: Int, month: Int, day: Int) {
            let shifted = days + 719_468
            let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
            let dayOfEra = shifted - era * 146_097
            let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
            let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
            let part = (5 * dayOfYear + 2) / 153
            let month = part < 10 ? part + 3 : part - 9
            return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * part + 2) / 5 + 1)
        }
    }
}
