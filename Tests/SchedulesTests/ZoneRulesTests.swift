import CeleryMessage
import Foundation
import TestSupport
import Testing

@testable import Schedules

struct ZoneRulesTests {
    @Test(arguments: [
        "Europe/Istanbul", "America/New_York", "Africa/Casablanca", "Europe/London", "Asia/Tehran",
        "Australia/Lord_Howe", "America/Sao_Paulo", "Pacific/Apia", "Asia/Gaza", "America/Nuuk", "Africa/Cairo",
        "Asia/Almaty", "America/Mexico_City", "Pacific/Chatham", "Antarctica/Troll", "Europe/Dublin", "Asia/Kolkata",
    ])
    func `agrees with Foundation from 1970 to 2023`(name: String) throws {
        let rules = try ZoneRules.named(name)
        let zone = try #require(TimeZone(identifier: name))
        // Both in steps of a day, which meets every stretch, and on both sides of each change. Later years are left
        // out: the rules that Foundation carries are older than the system's.
        var moments = stride(from: Int64(0), to: 1_704_067_200, by: 86_400).map { $0 }
        moments += rules.changes.filter { (0..<1_704_067_200).contains($0) }.flatMap { [$0 - 1, $0] }
        for moment in moments {
            let expected = zone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(moment)))
            #expect(rules.offset(at: Instant(microseconds: moment * 1_000_000)) == expected, "\(moment)")
        }
    }

    @Test func `reads every zone of the system's folder`() throws {
        var read = 0
        for name in TimeZone.knownTimeZoneIdentifiers {
            let rules = try ZoneRules.named(name)
            read += 1
            #expect(rules.changes == rules.changes.sorted())
            #expect(rules.offsets.count == rules.changes.count + 1)
        }
        #expect(read > 300)
    }

    @Test func `goes on for ever as the calendar does`() throws {
        let rules = try ZoneRules.named("America/New_York")
        #expect(rules.repeats)
        for second in stride(from: Int64(2_000_000_000), to: 9_000_000_000, by: 12_345_678) {
            for cycles in [1, 7] as [Int64] {
                let later = rules.stretch(at: second + cycles * CivilDate.cycleOfSeconds)
                #expect(later.offset == rules.stretch(at: second).offset)
                #expect(later.start <= second + cycles * CivilDate.cycleOfSeconds)
                #expect(later.end > second + cycles * CivilDate.cycleOfSeconds)
            }
        }
    }

    @Test func `carries Foundation's rules where the system has none`() throws {
        let own = try ZoneRules.named("America/New_York", in: [ZoneFolder(path: "/nowhere")])
        let system = try ZoneRules.named("America/New_York")
        for second in stride(from: Int64(0), to: 4_000_000_000, by: 86_400) {
            #expect(own.stretch(at: second).offset == system.stretch(at: second).offset)
        }
    }

    @Test(arguments: [
        "", ".", "..", "../../etc/passwd", "/etc/passwd", "Europe/../../../etc/passwd", "Europe//Istanbul", "Europe/",
        "Europe/Istanbul/", "Moon/Tranquility", "a\u{0}b", "Europe/İstanbul", "tzdata.zi", "Europe", "-x",
        String(repeating: "a", count: 5000),
    ])
    func `knows no such zone`(name: String) {
        #expect(throws: ScheduleError(.zone, "")) { try ZoneRules.named(name) }
    }

    @Test func `does not follow a link out of the folder`() throws {
        let outside = try ScratchFolder()
        let inside = try ScratchFolder()
        try outside.write("zone", try Self.istanbul())
        try inside.write("Good", try Self.istanbul())
        for (link, goal) in [("Away", outside.file("zone")), ("Alias", "Good"), ("Loop", "Loop")] {
            try FileManager.default.createSymbolicLink(atPath: inside.file(link), withDestinationPath: goal)
        }
        let folders = [ZoneFolder(path: inside.path)]
        #expect(try ZoneRules.named("Good", in: folders).changes == ZoneRules.named("Alias", in: folders).changes)
        #expect(throws: ScheduleError(.zone, "")) { try ZoneRules.named("Away", in: folders) }
        #expect(throws: ScheduleError(.zone, "")) { try ZoneRules.named("Loop", in: folders) }
    }

    @Test func `refuses a file that is cut off or bent anywhere, without a trap`() throws {
        let bytes = try Self.istanbul()
        for count in stride(from: 0, to: bytes.count - 1, by: 7) {
            #expect(throws: ScheduleError(.zone, "")) { try ZoneFile(Array(bytes[..<count])) }
        }
        var random = SplitMix(seed: 20_260_801)
        for _ in 0..<3000 {
            var bent = bytes
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                bent[Int.random(in: bent.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            guard let file = try? ZoneFile(bent) else { continue }
            let rules = ZoneRules(name: "Bent", first: file.first, changes: file.changes, yearly: file.yearly)
            let schedule = Schedule.crontab(try Crontab("30 2 * * *"))
            #expect(schedule.slots(after: Instant(microseconds: 0), count: 3, zone: rules).count == 3)
        }
    }

    private static func istanbul() throws -> [UInt8] {
        try #require(ZoneFolder.system.lazy.compactMap { $0.bytes(of: "Europe/Istanbul") }.first)
    }

    @Test(
        arguments: [
            ("EST5EDT,M3.2.0,M11.1.0", 2024, [1_710_054_000, 1_730_613_600]),
            ("IST-1GMT0,M10.5.0,M3.5.0/1", 2024, [1_711_846_800, 1_729_990_800]),
            ("<-02>2<-01>,M3.5.0/-1,M10.5.0/0", 2024, [1_711_846_800, 1_729_990_800]),
            ("EET-2EEST,M3.4.4/50,M10.4.4/50", 2024, [1_711_756_800, 1_729_897_200]),
            ("XXX0YYY,J60,J61", 2024, [1_709_258_400, 1_709_341_200]),
            ("XXX0YYY,59,60", 2024, [1_709_172_000, 1_709_254_800]),
        ] as [(String, Int, [Int64])]
    )
    func `reads the rule for the years to come`(text: String, year: Int, changes: [Int64]) throws {
        let zone = try #require(POSIXZone(text.utf8))
        #expect(zone.changes(in: year).map(\.time) == changes)
    }

    @Test func `stays in daylight saving time all year where the rule says so`() throws {
        let yearly = try #require(POSIXZone("XXX3EDT4,0/0,J365/23".utf8))
        let rules = ZoneRules(name: "Always", first: 0, changes: [(0, -10_800)], yearly: yearly)
        for second in stride(from: Int64(86_400 * 400), to: 3_000_000_000, by: 3_600 * 7) {
            #expect(rules.stretch(at: second).offset == -14_400)
        }
    }

    @Test(arguments: [
        "EST", "5", "EST5EDT", "EST5EDT,M13.1.0,M11.1.0", "EST5EDT,M3.6.0,M11.1.0", "EST5EDT,M3.2.7,M11.1.0",
        "EST5EDT,M3.2.0", "EST5EDT,M3.2.0,M11.1.0,", "EST5EDT,J0,J366", "EST5EDT,366,1", "EST25", "<>5", "<abc5",
        "EST5EDT,M3.2.0/168,M11.1.0", "EST5:60",
    ])
    func `refuses a rule that is none`(text: String) {
        #expect(POSIXZone(text.utf8) == nil)
    }
}
