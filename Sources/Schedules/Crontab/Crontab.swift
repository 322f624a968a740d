/// Wall-clock times by minute, hour, day and month, in the whole of Celery's grammar.
///
/// All five fields must match: a day of the month and a day of the week together mean the days that are both, where
/// cron means those that are either. Two crontabs are equal when they match the same times, however they are written.
public struct Crontab: Sendable {
    /// The minutes that match, minute `n` as bit `n`; likewise the others.
    let minutes: UInt64
    let hours: UInt32
    let daysOfMonth: UInt32
    let months: UInt16
    let daysOfWeek: UInt8
    /// The fields as they were written, in cron's order.
    public let text: String

    /// Reads a text of five fields: minute, hour, day of the month, month, day of the week.
    ///
    /// The fields stand apart by exactly one space, as Celery has it.
    public init(_ text: String) throws(ScheduleError) {
        let fields = text.utf8.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
            .map { CrontabField.text(String(Substring($0))) }
        guard fields.count == 5 else {
            let problem =
                text.utf8.count > 5000
                ? "is too long"
                : text.contains("  ") ? "has two spaces in a row" : "has \(fields.count) fields"
            throw ScheduleError(
                .fieldCount,
                "the crontab text \(problem); it needs five: minute hour day-of-month month day-of-week"
            )
        }
        try self.init(
            minute: fields[0],
            hour: fields[1],
            dayOfWeek: fields[4],
            dayOfMonth: fields[2],
            monthOfYear: fields[3],
            text: text
        )
    }

    /// Makes a crontab of its fields, in the order of Celery's `crontab(…)`; what is left out means every value.
    public init(
        minute: CrontabField = .all,
        hour: CrontabField = .all,
        dayOfWeek: CrontabField = .all,
        dayOfMonth: CrontabField = .all,
        monthOfYear: CrontabField = .all
    ) throws(ScheduleError) {
        try self.init(
            minute: minute,
            hour: hour,
            dayOfWeek: dayOfWeek,
            dayOfMonth: dayOfMonth,
            monthOfYear: monthOfYear,
            text: "\(minute) \(hour) \(dayOfMonth) \(monthOfYear) \(dayOfWeek)"
        )
    }

    private init(
        minute: CrontabField,
        hour: CrontabField,
        dayOfWeek: CrontabField,
        dayOfMonth: CrontabField,
        monthOfYear: CrontabField,
        text: String
    ) throws(ScheduleError) {
        minutes = try CrontabGrammar.minute.bits(minute)
        hours = UInt32(truncatingIfNeeded: try CrontabGrammar.hour.bits(hour))
        daysOfWeek = UInt8(truncatingIfNeeded: try CrontabGrammar.dayOfWeek.bits(dayOfWeek))
        daysOfMonth = UInt32(truncatingIfNeeded: try CrontabGrammar.dayOfMonth.bits(dayOfMonth))
        months = UInt16(truncatingIfNeeded: try CrontabGrammar.monthOfYear.bits(monthOfYear))
        self.text = text
        let (days, chosen) = (daysOfMonth, months)
        // A leap year's February is the longest.
        let possible = (1...12).contains { month in
            chosen & 1 << month != 0 && days & Self.mask(ofMonth: month, year: 2000) != 0
        }
        guard possible else {
            throw ScheduleError(
                .impossibleDate,
                "the day \(dayOfMonth) never comes in the month \(monthOfYear)",
                field: CrontabGrammar.dayOfMonth.name
            )
        }
    }

    /// The days that a month has, day `n` as bit `n`.
    static func mask(ofMonth month: Int, year: Int) -> UInt32 {
        UInt32(truncatingIfNeeded: (UInt64(1) << (CivilDate.days(in: month, of: year) + 1)) - 2)
    }
}

extension Crontab: Hashable {
    /// Compares what matches, not how it was written.
    public static func == (left: Crontab, right: Crontab) -> Bool {
        left.minutes == right.minutes && left.hours == right.hours && left.daysOfMonth == right.daysOfMonth
            && left.months == right.months && left.daysOfWeek == right.daysOfWeek
    }

    /// Goes by what matches.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(minutes)
        hasher.combine(hours)
        hasher.combine(daysOfMonth)
        hasher.combine(months)
        hasher.combine(daysOfWeek)
    }
}

extension Crontab: CustomStringConvertible {
    /// The crontab as Celery shows it.
    public var description: String { "<crontab: \(text) (m/h/dM/MY/d)>" }
}
