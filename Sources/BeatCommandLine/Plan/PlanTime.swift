package import CeleryMessage
package import Schedules

/// A moment or a span of time as a plan's command line gives it.
package enum PlanTime {
    /// The moment that a text names: ISO 8601, `now`, or `now` and a span such as `now+7d`.
    ///
    /// Without an offset the text is what clocks of the zone show; a day alone is its midnight.
    package static func moment(_ text: String, zone: ZoneRules, now: Instant) -> Instant? {
        if text.hasPrefix("now") {
            let rest = text.dropFirst(3)
            if rest.isEmpty { return now }
            guard rest.hasPrefix("+") else { return nil }
            return span(String(rest.dropFirst())).map { now + $0 }
        }
        guard let moment = ISO8601.date(text.replacing(" ", with: "T", maxReplacements: 1)) else { return nil }
        let time = text.dropFirst(10)
        let hasOffset = time.contains { "Zz+-".contains($0) }
        return hasOffset ? moment : zone.moment(showing: moment)
    }

    /// The span that a text names: a number with `s`, `m`, `h`, `d` or `w` behind it, or seconds without.
    package static func span(_ text: String) -> Duration? {
        let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800]
        guard let last = text.last else { return nil }
        let digits = units[last] == nil ? text[...] : text.dropLast()
        guard let number = Int64(digits), number > 0, number <= 1_000_000_000 else { return nil }
        return .seconds(number * (units[last] ?? 1))
    }
}
