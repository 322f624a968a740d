import Schedules

/// A crontab made at random together with what it means, without asking the code under test.
struct RandomCrontab {
    /// The five fields in cron's order.
    var text: String
    /// Whether each value of a field matches, by value.
    var minutes, hours, daysOfMonth, months, daysOfWeek: [Bool]

    init(using random: inout SplitMix) {
        let minute = Self.field(0...59, using: &random)
        let hour = Self.field(0...23, using: &random)
        var day = Self.field(1...31, using: &random)
        var month = Self.field(1...12, using: &random)
        let weekday = Self.field(0...6, using: &random)
        let longest = [0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        let possible = (1...12).contains { number in
            month.values[number] && (1...longest[number]).contains { day.values[$0] }
        }
        if !possible {
            day = ("*", Array(repeating: true, count: 32))
            month = ("*", Array(repeating: true, count: 13))
        }
        text = [minute.text, hour.text, day.text, month.text, weekday.text].joined(separator: " ")
        (minutes, hours, daysOfMonth) = (minute.values, hour.values, day.values)
        (months, daysOfWeek) = (month.values, weekday.values)
    }

    /// Whether a wall-clock minute matches.
    func matches(_ time: WallTime) -> Bool { minutes[time.minute] && matchesHour(time) }

    /// Whether some minute of the hour may match.
    func matchesHour(_ time: WallTime) -> Bool {
        hours[time.hour] && daysOfMonth[time.day] && months[time.month] && daysOfWeek[time.weekday]
    }

    private static func field(
        _ range: ClosedRange<Int>,
        using random: inout SplitMix
    ) -> (text: String, values: [Bool]) {
        var values = Array(repeating: false, count: range.upperBound + 1)
        // A third of all fields say nothing, or few expressions would ever match; of minutes fewer, or most would.
        if Int.random(in: 0..<(range.count == 60 ? 12 : 3), using: &random) == 0 {
            for value in range { values[value] = true }
            return ("*", values)
        }
        var parts: [String] = []
        for _ in 0..<[1, 1, 1, 2, 3][Int.random(in: 0..<5, using: &random)] {
            let part = part(range, using: &random)
            parts.append(part.text)
            for value in part.values { values[value] = true }
        }
        return (parts.joined(separator: ","), values)
    }

    private static func part(_ range: ClosedRange<Int>, using random: inout SplitMix) -> (text: String, values: [Int]) {
        let first = Int.random(in: range, using: &random)
        let last = Int.random(in: range, using: &random)
        let step = Int.random(in: 1...max(2, range.count / 2), using: &random)
        switch Int.random(in: 0..<(range.count == 60 ? 7 : 4), using: &random) {
        case 0: return ("*/\(step)", range.filter { ($0 - range.lowerBound) % step == 0 })
        case 1, 4...6: return ("\(first)", [first])
        case 2: return ("\(first)-\(last)", around(range, from: first, to: last))
        default:
            let all = around(range, from: first, to: last)
            return ("\(first)-\(last)/\(step)", all.indices.filter { $0 % step == 0 }.map { all[$0] })
        }
    }

    /// The values from one to another, counted up one by one and round at the end.
    private static func around(_ range: ClosedRange<Int>, from first: Int, to last: Int) -> [Int] {
        var values = [first]
        while let value = values.last, value != last {
            values.append(value == range.upperBound ? range.lowerBound : value + 1)
        }
        return values
    }
}

/// What a clock on the wall shows, to the minute.
struct WallTime: Equatable {
    var year, month, day, weekday, hour, minute: Int

    /// The next minute, as a child would count it.
    mutating func tick() {
        minute += 1
        if minute < 60 { return }
        minute = 0
        hour += 1
        if hour < 24 { return }
        hour = 0
        weekday = weekday == 6 ? 0 : weekday + 1
        day += 1
        let isLeap = year % 400 == 0 || (year % 4 == 0 && year % 100 != 0)
        if day <= [0, 31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month] { return }
        day = 1
        month += 1
        if month <= 12 { return }
        month = 1
        year += 1
    }
}
