import CeleryMessage
import Testing

@testable import Schedules

struct SolarTests {
    @Test func `foretells the sun as Celery does, to a second and a half`() throws {
        for line in try Vectors.lines("solar_next") {
            let solar = try Solar(
                event: try line.text("event"),
                latitude: try line.number("lat"),
                longitude: try line.number("lon")
            )
            let start = try line.instant("from")
            let slot = try #require(Schedule.solar(solar).nextSlot(after: start, anchor: start, zone: .utc))
            let difference = (slot - (try line.instant("next"))) / .seconds(1)
            #expect(abs(difference) < 1.5, "\(line) \(difference)")
        }
    }

    @Test func `gives the same slot whichever moment it is asked from`() throws {
        for event in Solar.Event.allCases {
            let schedule = Schedule.solar(try Solar(event: event, latitude: 64.1, longitude: -21.9))
            let slots = schedule.slots(after: try Vectors.instant("2026-05-01T00:00:00Z"), count: 40)
            #expect(slots.count == 40)
            for (last, slot) in zip(slots, slots.dropFirst()) {
                for part in [0.01, 0.5, 0.999] {
                    let between = last.advanced(bySeconds: (slot - last) / .seconds(1) * part)
                    #expect(schedule.nextSlot(after: between, anchor: between, zone: .utc) == slot)
                }
            }
        }
    }

    @Test func `finds the one sunrise of the year at a pole`() throws {
        let schedule = Schedule.solar(try Solar(event: .sunrise, latitude: 90, longitude: 0))
        let slots = schedule.slots(after: try Vectors.instant("2026-01-01T00:00:00Z"), count: 2)
        #expect(slots.map { ISO8601.string($0).prefix(7) } == ["2026-03", "2027-03"])
    }

    @Test(arguments: [(90.1, 0.0), (0, 180.5), (.nan, 0), (0, .infinity)])
    func `refuses a place that is not on Earth`(latitude: Double, longitude: Double) {
        #expect(throws: ScheduleError(.solar, "")) {
            try Solar(event: .sunset, latitude: latitude, longitude: longitude)
        }
    }

    @Test func `refuses an event that the sun does not have`() {
        #expect(throws: ScheduleError(.solar, "")) { try Solar(event: "moonrise", latitude: 0, longitude: 0) }
    }
}
