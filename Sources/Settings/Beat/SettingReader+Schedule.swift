import CeleryMessage
import Schedules
import YAML

extension SettingReader {
    private static let forms = "seconds, or a block with every, crontab, solar or once"

    /// A schedule: a number of seconds, or a block with one of its kinds.
    mutating func schedule(_ node: YAMLNode) -> EntryReading.ScheduleForm? {
        if node.scalar != nil {
            return number(node, expected: Self.forms).flatMap { interval($0, relative: nil, node) }
        }
        guard let all = entries(node, expected: Self.forms) else { return nil }
        let kinds = all.filter { $0.key != "relative" }
        guard let kind = kinds.first, kinds.count == 1 else {
            error(node, "expected \(Self.forms)\(kinds.count > 1 ? ", and only one of them" : "")")
            return nil
        }
        var relative: Bool?
        if let entry = all.first(where: { $0.key == "relative" }) {
            relative = under("relative", at: place(entry.keyPosition)) { $0.bool(entry.value) }
        }
        let place = place(kind.keyPosition)
        return under(kind.key, at: place) { reader in
            switch kind.key {
            case "every": return reader.every(kind.value, relative: relative)
            case "crontab": return reader.crontab(kind.value).map { .whole(.crontab($0)) }
            case "solar": return reader.solar(kind.value).map { .whole(.solar($0)) }
            case "once": return reader.once(kind.value)
            default:
                let known = ["every", "crontab", "solar", "once", "relative"]
                reader.add(.error, at: place, "unknown key", suggestion: NearestName.find(kind.key, in: known))
                return nil
            }
        }
    }

    // MARK: Intervals

    private struct Parts {
        var seconds = 0.0
        var minutes = 0.0
        var hours = 0.0
        var days = 0.0
        var weeks = 0.0

        var total: Double { seconds + 60 * minutes + 3600 * hours + 86_400 * days + 604_800 * weeks }

        static let settings: [Setting<Parts>] = [
            ("seconds", \Parts.seconds as Key<Parts, Double>), ("minutes", \.minutes), ("hours", \.hours),
            ("days", \.days),
            ("weeks", \.weeks),
        ].map { name, path in .value(name, "number", path) { $0.number($1, expected: "a number") } }
    }

    private mutating func every(_ node: YAMLNode, relative: Bool?) -> EntryReading.ScheduleForm? {
        guard let entries = node.mapping else {
            return number(node, expected: "seconds, more than 0").flatMap { interval($0, relative: relative, node) }
        }
        var parts = Parts()
        block(entries, Parts.settings, into: &parts)
        return interval(parts.total, relative: relative, node)
    }

    private mutating func interval(_ seconds: Double, relative: Bool?, _ node: YAMLNode) -> EntryReading.ScheduleForm? {
        // A number that no `Duration` holds is out of every schedule's range.
        guard seconds > -1e12, seconds < 1e12 else {
            error(node, "expected seconds, more than 0, up to a thousand years")
            return nil
        }
        return .interval(.seconds(seconds), relative: relative, node: node)
    }

    // MARK: Crontabs

    /// A text of five fields, or a block of fields by Celery's names.
    private mutating func crontab(_ node: YAMLNode) -> Crontab? {
        guard let entries = node.mapping else {
            return string(node).flatMap { text in crontab(node) { () throws(ScheduleError) in try Crontab(text) } }
        }
        var fields = Fields()
        let before = problems.count
        block(entries, Fields.byName, into: &fields)
        guard problems.count == before else { return nil }
        let read = fields
        let bad = entries
        do throws(ScheduleError) {
            return try Crontab(
                minute: read.minute,
                hour: read.hour,
                dayOfWeek: read.dayOfWeek,
                dayOfMonth: read.dayOfMonth,
                monthOfYear: read.monthOfYear
            )
        } catch {
            let culprit = bad.first { $0.key == error.field }
            guard let culprit else {
                self.error(node, error.message)
                return nil
            }
            under(culprit.key, at: place(culprit.keyPosition)) { $0.error(culprit.value, error.message) }
            return nil
        }
    }

    private mutating func crontab(_ node: YAMLNode, _ make: () throws(ScheduleError) -> Crontab) -> Crontab? {
        do {
            return try make()
        } catch {
            self.error(node, error.description)
            return nil
        }
    }

    private struct Fields {
        var minute = CrontabField.all
        var hour = CrontabField.all
        var dayOfWeek = CrontabField.all
        var dayOfMonth = CrontabField.all
        var monthOfYear = CrontabField.all

        static let settings: [Setting<Fields>] = [
            ("minute", \Fields.minute as Key<Fields, CrontabField>), ("hour", \.hour), ("day_of_week", \.dayOfWeek),
            ("day_of_month", \.dayOfMonth), ("month_of_year", \.monthOfYear),
        ].map { name, path in .value(name, "pattern, number or list of numbers", path) { $0.field($1) } }

        /// The same, for looking up.
        static let byName = Dictionary(settings.map { ($0.name, $0) }) { first, _ in first }
    }

    private mutating func field(_ node: YAMLNode) -> CrontabField? {
        if let items = node.sequence {
            let values = items.compactMap { int($0, in: 0...100) }
            return values.count == items.count ? .values(values) : nil
        }
        guard let scalar = node.scalar else {
            error(node, "expected a pattern such as '*/15', a number, or a list of numbers")
            return nil
        }
        // `08` is a minute here, whatever YAML makes of it.
        return .text(scalar.text)
    }

    // MARK: Solar events and moments

    private struct Place {
        var event: Solar.Event?
        var latitude: Double?
        var longitude: Double?

        static let settings: [Setting<Place>] = [
            .choice("event", \.event),
            .optional("lat", "degrees", \.latitude) { $0.number($1, expected: "degrees north") },
            .optional("latitude", "degrees", \.latitude) { $0.number($1, expected: "degrees north") },
            .optional("lon", "degrees", \.longitude) { $0.number($1, expected: "degrees east") },
            .optional("longitude", "degrees", \.longitude) { $0.number($1, expected: "degrees east") },
        ]
    }

    private mutating func solar(_ node: YAMLNode) -> Solar? {
        guard let entries = entries(node, expected: "a block such as {event: sunset, lat: 41.0, lon: 29.0}") else {
            return nil
        }
        var read = Place()
        let before = problems.count
        block(entries, Place.settings, into: &read)
        guard problems.count == before else { return nil }
        guard let event = read.event, let latitude = read.latitude, let longitude = read.longitude else {
            error(node, "needs event, lat and lon")
            return nil
        }
        do {
            return try Solar(event: event, latitude: latitude, longitude: longitude)
        } catch {
            self.error(node, error.message)
            return nil
        }
    }

    /// A moment: ISO 8601, without an offset in the entry's zone.
    private mutating func once(_ node: YAMLNode) -> EntryReading.ScheduleForm? {
        guard let text = node.scalar?.text,
            let moment = ISO8601.date(text.replacing(" ", with: "T", maxReplacements: 1))
        else {
            error(node, "expected a moment such as 2027-03-01T09:00:00, or with an offset 2027-03-01T09:00:00+03:00")
            return nil
        }
        let time = text.dropFirst(10)
        return .once(moment, isLocal: !time.contains { "Zz+-".contains($0) })
    }
}
