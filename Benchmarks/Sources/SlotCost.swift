import ArgumentParser
import CeleryMessage
import Schedules

/// What the next slot of a schedule costs, one after another over years of clock changes.
struct SlotCost: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "slots",
        abstract: "Nanoseconds for the next slot of some schedules."
    )

    @Option(name: .long, help: "Slots to find for each.")
    var count = 200_000
    @Option(name: .long, help: "The zone.")
    var zone = "America/New_York"

    mutating func run() throws {
        let zone = try ZoneRules.named(zone)
        for text in ["*/15 * * * *", "30 7 * * mon", "0 2 * * *", "0 0 1 jan *", "0 0 13 * fri", "0 0 29 2 *"] {
            measure(text, .crontab(try Crontab(text)), count, zone)
        }
        measure("every 30 s", .interval(try Interval(every: .seconds(30))), count, zone)
        measure(
            "every hour, rounded",
            .interval(try Interval(every: .seconds(3600), relative: true)),
            count / 10,
            zone
        )
        measure("sunset", .solar(try Solar(event: .sunset, latitude: 41.01, longitude: 28.97)), count / 100, zone)
    }

    private func measure(_ name: String, _ schedule: Schedule, _ count: Int, _ zone: ZoneRules) {
        let start = Instant(microseconds: 1_767_225_600_000_000)
        var moment = start
        let clock = ContinuousClock()
        let elapsed = clock.measure {
            for _ in 0..<count {
                // Rare days run out of calendar before they run out of turns.
                moment = schedule.nextSlot(after: moment, anchor: start, zone: zone) ?? start
            }
        }
        print("\(name): \(((elapsed / .nanoseconds(1)) / Double(count)).rounded())")
    }
}
