import CeleryMessage
import Foundation
import Testing

@Suite struct `ISO 8601` {
    @Test func `reads every form that Celery's ETAs may have`() throws {
        var count = 0
        for vector in try Fixture.vectors("iso8601") {
            guard let text = vector["text"] as? String else { continue }
            count += 1
            guard let parsed = vector["parsed"] as? String else {
                #expect(ISO8601.date(text) == nil, "\(text)")
                continue
            }
            let expected =
                parsed.count > 19 && "+-".contains(parsed.dropLast(5).last ?? " ") ? parsed : parsed + "+00:00"
            let instant = try #require(ISO8601.date(text), "\(text)")
            let sign = expected.dropLast(5).last == "-" ? -1 : 1
            let zone = expected.suffix(5)
            let offset = sign * ((Int(zone.prefix(2)) ?? 0) * 3600 + (Int(zone.suffix(2)) ?? 0) * 60)
            #expect(ISO8601.string(instant, offset: offset) == expected, "\(text)")
        }
        #expect(count == 27)
    }

    @Test(arguments: [
        "2023-02-29", "2024-00-01", "2024-01-00", "2024-366x", "2023-366", "2024-W54-1", "2024-W01-8", "0000-01-01",
        "2024-01-02T", "2024-01-02T3", "2024-01-02T25:00", "2024-01-02T24:00:01", "2024-01-02T03:60",
        "2024-01-02T03:04:05.",
        "2024-01-02T03:04:05+24:00", "2024-01-02T03:04:05+05:60", "2024-01-02T03:04:05Zx", "2024-01-02T03:04:05+5",
        "2024-1-2", "20241", "202401", "garbage", "２０２４-01-02",
    ])
    func `refuses what is no date`(text: String) {
        #expect(ISO8601.date(text) == nil)
    }

    @Test(arguments: [
        (0, 0, "1970-01-01T00:00:00+00:00"), (-1, 0, "1969-12-31T23:59:59.999999+00:00"),
        (1_709_164_800_000_000, 0, "2024-02-29T00:00:00+00:00"), (1_000_000, 19800, "1970-01-01T05:30:01+05:30"),
        (0, -12600, "1969-12-31T20:30:00-03:30"), (951_782_400_000_001, 0, "2000-02-29T00:00:00.000001+00:00"),
    ])
    func `writes what Python writes`(microseconds: Int, offset: Int, expected: String) {
        #expect(ISO8601.string(Instant(microseconds: Int64(microseconds)), offset: offset) == expected)
    }

    @Test func `agrees with Foundation over four centuries`() {
        let style = Date.ISO8601FormatStyle()
        for day in stride(from: -73_000, through: 73_000, by: 97) {
            let instant = Instant(seconds: Double(day) * 86400 + 3661)
            let expected = Date(timeIntervalSince1970: instant.seconds).formatted(style).replacing("Z", with: "+00:00")
            #expect(ISO8601.string(instant) == expected)
            #expect(ISO8601.date(expected) == instant)
        }
    }

    @Test func `survives the ends of time`() {
        #expect(!ISO8601.string(Instant(microseconds: .max), offset: 86399).isEmpty)
        #expect(!ISO8601.string(Instant(microseconds: .min), offset: -86399).isEmpty)
    }
}

@Suite struct Instants {
    @Test func `count in microseconds`() {
        #expect(Instant(seconds: 1.5).microseconds == 1_500_000)
        #expect(Instant(microseconds: 10) + .seconds(2) == Instant(microseconds: 2_000_010))
        #expect(Instant(microseconds: 10) - .milliseconds(1) == Instant(microseconds: -990))
        #expect(Instant(microseconds: 5) - Instant(microseconds: 2_000_005) == .seconds(-2))
        #expect(Instant(microseconds: 1) < Instant(microseconds: 2))
    }

    @Test(arguments: [Double.nan, .infinity, -.infinity, 1e300, -1e300])
    func `take any number`(seconds: Double) {
        let instant = Instant(seconds: seconds)
        #expect(instant + .seconds(Int64.max) >= instant)
        #expect(instant - .seconds(Int64.max) <= instant)
    }

    @Test func `know the time`() {
        #expect(abs(Instant.now().seconds - Date().timeIntervalSince1970) < 5)
    }
}

@Suite struct Backoffs {
    @Test func `wait as long as Celery's`() throws {
        let vectors = try Fixture.vectors("backoff")
        for vector in vectors {
            let factor = try #require(vector["factor"] as? Int)
            let retries = try #require(vector["retries"] as? Int)
            let maximum = try #require(vector["maximum"] as? Int)
            #expect(
                Backoff.countdown(factor: factor, retries: retries, maximum: maximum) == vector["countdown"] as? Int
            )
        }
        #expect(vectors.count == 36)
    }

    @Test func `never overflow`() {
        #expect(Backoff.countdown(factor: 3, retries: 5000) == 600)
        #expect(Backoff.countdown(factor: .max, retries: 1, maximum: .max) == .max)
        #expect(Backoff.countdown(factor: 0, retries: 3) == 0)
    }
}
