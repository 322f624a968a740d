/// A day of the Gregorian calendar, without time zone.
struct CalendarDate: Sendable, Hashable, Comparable, CustomStringConvertible {
    let year: Int
    let month: Int
    let day: Int

    /// A day that exists, from year 1 to 9999; `nil` otherwise.
    init?(year: Int, month: Int, day: Int) {
        guard (1...9999).contains(year), (1...12).contains(month), day >= 1,
            day <= Self.days(in: month, of: year)
        else { return nil }
        self.year = year
        self.month = month
        self.day = day
    }

    /// The day so many days after 1970-01-01; `nil` outside the years 1 to 9999.
    init?(daysSince1970 days: Int) {
        guard (-719_162...2_932_896).contains(days) else { return nil }
        // Counts from 0000-03-01, so that the leap day is the last of its year.
        let shifted = days + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    }

    private static let separators: [UInt8] = Array(".-/".utf8)

    /// Reads `2024-12-31`, `31.12.2024`, `31/12/2024` or `31-12-2024`: year first or day first, never month first.
    init?(text: String) {
        let bytes = Array(text.utf8)
        guard let separator = bytes.first(where: { !(48...57).contains($0) }), Self.separators.contains(separator)
        else {
            return nil
        }
        let parts = bytes.split(separator: separator, omittingEmptySubsequences: false)
        guard parts.count == 3, parts.allSatisfy({ $0.allSatisfy({ (48...57).contains($0) }) }) else { return nil }
        let numbers = parts.map { $0.count > 4 ? -1 : $0.reduce(0) { $0 * 10 + Int($1) - 48 } }
        if parts[0].count == 4, parts[1].count <= 2, parts[2].count <= 2 {
            self.init(year: numbers[0], month: numbers[1], day: numbers[2])
        } else if parts[2].count == 4, parts[0].count <= 2, parts[1].count <= 2 {
            self.init(year: numbers[2], month: numbers[1], day: numbers[0])
        } else {
            return nil
        }
    }

    /// The day behind a cell's number in one of Excel's two systems; `nil` for what is no day.
    ///
    /// The 1900 system counts a 29 February 1900, which never was: numbers below 60 are one day further.
    static func excel(serial: Int, usesDates1904: Bool) -> CalendarDate? {
        if usesDates1904 {
            return serial < 0 ? nil : CalendarDate(daysSince1970: serial - 24_107)
        }
        guard serial >= 1, serial != 60 else { return nil }
        return CalendarDate(daysSince1970: serial - (serial < 60 ? 25_568 : 25_569))
    }

    static func < (left: CalendarDate, right: CalendarDate) -> Bool {
        (left.year, left.month, left.day) < (right.year, right.month, right.day)
    }

    /// `2024-12-31`.
    var description: String { padded(year, 4) + "-" + padded(month, 2) + "-" + padded(day, 2) }

    private static func days(in month: Int, of year: Int) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }
}

/// A number with leading zeros.
func padded(_ number: Int, _ width: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
}
