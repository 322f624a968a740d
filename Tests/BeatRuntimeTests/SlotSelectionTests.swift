import CeleryMessage
import Schedules
import Testing

@testable import BeatRuntime

@Suite struct `The choice of slots` {
    private static let start = Instant(microseconds: 1_800_000_000_000_000)

    private func at(_ seconds: Double) -> Instant { Self.start.advanced(bySeconds: seconds) }

    /// The steps of an entry that is due every ten seconds, as `slot sent missed`.
    private func steps(
        _ missed: MissedPolicy = MissedPolicy(),
        now: Double,
        presentSince: Double,
        mark: Double = 0,
        limit: Int = 100
    ) throws -> [String] {
        let entry = try every(10, missed: missed)
        let selection = SlotSelection(now: at(now), missedBefore: at(presentSince), limit: limit)
        let steps = selection.steps(for: entry, anchor: Self.start, mark: at(mark))
        var from = at(mark)
        for step in steps {
            #expect(step.from == from)
            from = step.slot
        }
        return steps.map {
            "\(Int(Troupe.seconds($0.slot - Self.start)))" + ($0.isSent ? "" : " passed")
                + ($0.missed > 0 ? " missing \($0.missed)" : "")
        }
    }

    @Test func `sends a slot when it has come, and not before`() throws {
        #expect(try steps(now: 9.9, presentSince: 0) == [])
        #expect(try steps(now: 10, presentSince: 0) == ["10"])
        #expect(try steps(now: 19.9, presentSince: 0, mark: 10) == [])
    }

    @Test func `sends each late slot where beats were there all the time`() throws {
        #expect(try steps(now: 35, presentSince: 0) == ["10", "20", "30"])
        #expect(try steps(MissedPolicy(.skip), now: 35, presentSince: 0) == ["10", "20", "30"])
        #expect(try steps(now: 35, presentSince: 0, limit: 2) == ["10", "20"])
    }

    @Test func `sends the last of the missed slots, and counts the others`() throws {
        #expect(try steps(now: 95, presentSince: 95) == ["90 missing 8"])
        #expect(try steps(now: 95, presentSince: 95, mark: 80) == ["90"])
        #expect(try steps(now: 115, presentSince: 95) == ["90 missing 8", "100", "110"])
    }

    @Test func `skips missed slots, unless the last is only a moment old`() throws {
        let skip = MissedPolicy(.skip)
        #expect(try steps(skip, now: 95, presentSince: 95) == ["90 missing 8"])
        let strict = MissedPolicy(.skip, deadline: .seconds(2))
        #expect(try steps(strict, now: 95, presentSince: 95) == ["90 passed missing 9"])
        #expect(try steps(strict, now: 102, presentSince: 95) == ["90 passed missing 9", "100"])
    }

    @Test func `sends all missed slots up to the bound, the newest`() throws {
        #expect(try steps(MissedPolicy(.all), now: 45, presentSince: 45) == ["10", "20", "30", "40"])
        #expect(try steps(MissedPolicy(.all, limit: 2), now: 45, presentSince: 45) == ["30 missing 2", "40"])
        let young = MissedPolicy(.all, deadline: .seconds(16))
        #expect(try steps(young, now: 45, presentSince: 45) == ["30 missing 2", "40"])
    }

    @Test func `leaps over years of missed slots`() throws {
        let year = 366.0 * 86_400
        let entry = try every(0.5)
        let selection = SlotSelection(now: at(year - 0.1), missedBefore: at(year - 0.1))
        let steps = selection.steps(for: entry, anchor: Self.start, mark: Self.start)
        #expect(steps.map(\.slot) == [at(year - 0.5)])
        #expect(steps[0].missed >= 9_999)
    }

    @Test func `waits for the jitter of a slot, the same everywhere`() throws {
        let entry = try every(10, jitter: .seconds(5))
        let slot = at(10)
        let due = entry.due(slot)
        #expect(due >= slot && due < slot + .seconds(5))
        #expect(entry.due(slot) == due)
        #expect((1...20).contains { entry.due(at(Double($0) * 10)) != at(Double($0) * 10) + (due - slot) })
        let early = SlotSelection(now: due - .milliseconds(1), missedBefore: at(0))
        #expect(early.steps(for: entry, anchor: Self.start, mark: Self.start) == [])
        let late = SlotSelection(now: due, missedBefore: at(0))
        #expect(late.steps(for: entry, anchor: Self.start, mark: Self.start).map(\.slot) == [slot])
    }

    @Test func `sends nothing of an entry that is switched off`() throws {
        let entry = try every(10) { $0.isEnabled = false }
        let selection = SlotSelection(now: at(100), missedBefore: at(0))
        #expect(selection.steps(for: entry, anchor: Self.start, mark: Self.start) == [])
    }
}
