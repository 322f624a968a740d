/// Calendar dates as counts of days since 1970-01-01, in the Gregorian calendar carried backwards.
struct CivilDate: Equatable {
    var year: Int
    var month: Int
    var day: Int

    /// The days, and the seconds, after which dates and weekdays repeat.
    static let cycleOfDays = 146_097
    static let cycleOfSeconds = Int64(cycleOfDays) * 86_400

    /// The first and the last second of the years 1 to 9999, beyond which nothing is scheduled.
    static let seconds = Int64(-62_135_596_800)...Int64(253_402_300_799)

    init(year: Int, month: Int, day: Int) {
        self.year = year
        self.month = month
        self.day = day
    }

    init(days: Int) {
        // Years that begin in March put the leap day last.
        let shifted = days + 719_468
        let era = Self.floored(shifted, 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let part = (5 * dayOfYear + 2) / 153
        month = part < 10 ? part + 3 : part - 9
        day = dayOfYear - (153 * part + 2) / 5 + 1
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    }

    var days: Int {
        let shifted = month <= 2 ? year - 1 : year
        let era = Self.floored(shifted, 400)
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    static func isLeap(_ year: Int) -> Bool { year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) }

    static func days(in month: Int, of year: Int) -> Int {
        month == 2 ? (isLeap(year) ? 29 : 28) : (month == 4 || month == 6 || month == 9 || month == 11) ? 30 : 31
    }

    /// 0 for Sunday to 6 for Saturday, as crontabs count.
    static func weekday(days: Int) -> Int {
        let rest = (days + 4) % 7
        return rest < 0 ? rest + 7 : rest
    }

    /// Division that rounds towards minus infinity; the divisor is positive.
    static func floored<Number: FixedWidthInteger>(_ number: Number, _ divisor: Number) -> Number {
        let quotient = number / divisor
        return number % divisor < 0 ? quotient - 1 : quotient
    }
}
