import CeleryMessage

/// Dates as mail headers have them (RFC 5322, section 3.3), always in UTC.
enum MailDate {
    private static let weekdays = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// For example `Fri, 15 Jan 2027 08:00:00 +0000`.
    static func text(_ instant: Instant) -> String {
        let second: Int64 = 1_000_000
        let seconds = instant.microseconds.flooredQuotient(by: second)
        let days = seconds.flooredQuotient(by: 86_400)
        let inDay = seconds - days * 86_400
        let (year, month, day) = civil(days)
        // 1 January 1970 was a Thursday.
        let weekday = weekdays[Int(((days % 7) + 7) % 7)]
        let time = "\(padded(inDay / 3600)):\(padded(inDay / 60 % 60)):\(padded(inDay % 60))"
        return "\(weekday), \(padded(day)) \(months[Int(month) - 1]) \(year) \(time) +0000"
    }

    /// Year, month and day of the Gregorian calendar, counted in eras of 400 years that begin on 1 March.
    private static func civil(_ days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = days + 719_468
        let era = shifted.flooredQuotient(by: 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * marchMonth + 2) / 5 + 1
        let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
    }

    private static func padded(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }
}

extension Int64 {
    fileprivate func flooredQuotient(by divisor: Int64) -> Int64 {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? quotient - 1 : quotient
    }
}
