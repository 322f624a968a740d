import CeleryMessage
import Foundation
import Schedules

/// Answers recorded from real Celery; `Fixtures/README.md` says how.
enum Vectors {
    struct Missing: Error {
        var what: String
    }

    /// The lines of a file.
    static func lines(_ name: String) throws -> [JSONObject] {
        let url = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "Fixtures/celery-5.7.0/vectors/\(name).jsonl")
        return try String(contentsOf: url, encoding: .utf8).split(separator: "\n").map { line in
            let value = try JSONSerialization.jsonObject(with: Data(line.utf8))
            guard let members = value as? [String: Any] else { throw Missing(what: name) }
            return JSONObject(members: members)
        }
    }

    /// One line; every member is there, or the test fails.
    struct JSONObject {
        var members: [String: Any]

        func has(_ name: String) -> Bool { members[name] != nil }

        func text(_ name: String) throws -> String { try member(name) }

        func number(_ name: String) throws -> Double {
            guard let number = members[name] as? NSNumber else { throw Missing(what: name) }
            return number.doubleValue
        }

        func flag(_ name: String) throws -> Bool { try member(name) }

        func integers(_ name: String) throws -> [Int] { try member(name) }

        func texts(_ name: String) throws -> [String] { try member(name) }

        func object(_ name: String) throws -> JSONObject { JSONObject(members: try member(name)) }

        func instant(_ name: String) throws -> Instant { try Vectors.instant(try text(name)) }

        func zone() throws -> ZoneRules { try ZoneRules.named(try text("timezone")) }

        /// The crontab that keyword arguments make; `nil` for one with an argument that has no counterpart here.
        func crontab(_ name: String) throws -> Crontab? {
            var fields: [String: CrontabField] = [:]
            for (key, value) in try object(name).members {
                switch value {
                case let text as String: fields[key] = .text(text)
                case let list as [Int]: fields[key] = .values(list)
                case let number as NSNumber where number.doubleValue == number.doubleValue.rounded():
                    fields[key] = .values([number.intValue])
                default: return nil
                }
            }
            return try Crontab(
                minute: fields["minute"] ?? .all,
                hour: fields["hour"] ?? .all,
                dayOfWeek: fields["day_of_week"] ?? .all,
                dayOfMonth: fields["day_of_month"] ?? .all,
                monthOfYear: fields["month_of_year"] ?? .all
            )
        }

        private func member<Value>(_ name: String) throws -> Value {
            guard let value = members[name] as? Value else { throw Missing(what: name) }
            return value
        }
    }

    static func instant(_ text: String) throws -> Instant {
        guard let instant = ISO8601.date(text) else { throw Missing(what: text) }
        return instant
    }
}

extension Schedule {
    /// The slots after a moment, as many as asked for.
    func slots(
        after start: Instant,
        count: Int,
        zone: ZoneRules = .utc,
        clockChanges: ClockChangePolicy = .standard
    ) -> [Instant] {
        var slots: [Instant] = []
        var moment = start
        while slots.count < count,
            let slot = nextSlot(after: moment, anchor: start, zone: zone, clockChanges: clockChanges)
        {
            slots.append(slot)
            moment = slot
        }
        return slots
    }

    /// The slots after a moment as a clock of the zone shows them, `2024-03-10T03:00:00-04:00`.
    func times(
        after start: String,
        count: Int,
        zone name: String = "UTC",
        clockChanges: ClockChangePolicy = .standard
    ) throws -> [String] {
        let zone = try ZoneRules.named(name)
        return slots(after: try Vectors.instant(start), count: count, zone: zone, clockChanges: clockChanges)
            .map { ISO8601.string($0, offset: zone.offset(at: $0)) }
    }
}
