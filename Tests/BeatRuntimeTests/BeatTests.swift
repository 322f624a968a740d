import CeleryMessage
import Schedules
import Synchronization
import Testing

@testable import BeatRuntime

@Suite(.timeLimit(.minutes(1))) struct `A beat` {
    @Test func `sends an interval's first slot one interval after it was first seen, and each after it`() async throws {
        let troupe = Troupe()
        await troupe.start("a", [try every(10)])
        await troupe.time.advance(by: .seconds(9.5))
        #expect(troupe.sent.isEmpty)
        await troupe.time.advance(by: .seconds(30))
        #expect(troupe.seconds("e") == [10, 20, 30])
        #expect(zip(troupe.times, troupe.sent).allSatisfy { $0 - $1.slot < .milliseconds(1) })
        await troupe.end()
    }

    @Test func `takes turns with others so that each slot is sent once, at its time`() async throws {
        let troupe = Troupe()
        let entries = try (0..<20).map { try every(1 + Double($0) / 10, "e\($0)") }
        for name in ["a", "b", "c"] { await troupe.start(name, entries) }
        await troupe.time.advance(by: .seconds(60))
        #expect(Set(troupe.sent).count == troupe.sent.count)
        for entry in entries {
            let seconds = troupe.seconds(entry.name)
            #expect(seconds.count == Int(60 / (seconds.first ?? 1)), "\(entry.name)")
        }
        #expect(zip(troupe.times, troupe.sent).allSatisfy { $0 - $1.slot < .milliseconds(1) })
        await troupe.end()
    }

    @Test func `stands in for one that stopped in the middle, which then sends nothing of it`() async throws {
        let troupe = Troupe()
        let entries = [try every(1)]
        await troupe.start("a", entries)
        await troupe.start("b", entries)
        await troupe.time.advance(by: .seconds(3.5))
        troupe.member("a")?.store.set(.stopsBefore)
        await troupe.time.advance(by: .seconds(30))
        #expect(troupe.seconds("e") == (1...33).map(Double.init))
        let late = zip(troupe.times, troupe.sent).map { $0 - $1.slot }.max() ?? .zero
        #expect(late < .milliseconds(500))
        troupe.member("a")?.store.set(.none)
        await troupe.time.advance(by: .seconds(10))
        #expect(troupe.seconds("e") == (1...43).map(Double.init))
        await troupe.end()
    }

    @Test func `sends once what is overdue after all were away, as Celery does`() async throws {
        let troupe = Troupe()
        let entries = [try every(1)]
        await troupe.start("a", entries)
        await troupe.time.advance(by: .seconds(2.5))
        await troupe.stop("a")
        await troupe.time.advance(by: .seconds(60))
        await troupe.start("b", entries)
        await troupe.time.advance(by: .seconds(1.2))
        #expect(troupe.seconds("e") == [1, 2, 62, 63])
        #expect(troupe.store.states["e"]?.missed == 59)
        #expect(troupe.store.states["e"]?.sender == "b")
        await troupe.end()
    }

    @Test func `sends every slot that came due while the store was away for a while`() async throws {
        let troupe = Troupe()
        await troupe.start("a", [try every(1)])
        await troupe.time.advance(by: .seconds(2.5))
        troupe.member("a")?.store.set(.failsBefore)
        await troupe.time.advance(by: .seconds(20))
        #expect(troupe.seconds("e") == [1, 2])
        // One that starts meanwhile must not take what is late for missed.
        await troupe.start("b", [try every(1)])
        await troupe.time.advance(by: .seconds(3))
        troupe.member("a")?.store.set(.none)
        await troupe.time.advance(by: .seconds(3))
        let seconds = troupe.seconds("e")
        #expect(Set(seconds).count == seconds.count)
        await troupe.end()
    }

    @Test func `tells from outside for how long it has not come round`() async throws {
        let troupe = Troupe()
        await troupe.start("a", [try every(1)])
        await troupe.time.advance(by: .seconds(2.5))
        let member = try #require(troupe.member("a"))
        #expect(member.beat.pulse.age <= .seconds(1))
        member.store.set(.stopsBefore)
        await troupe.time.advance(by: .seconds(90))
        #expect(member.beat.pulse.age > .seconds(85))
        member.store.set(.none)
        await troupe.time.advance(by: .seconds(3))
        #expect(member.beat.pulse.age <= .seconds(1))
        await troupe.end()
    }

    @Test func `asks the store again when an answer was lost, and sends nothing twice`() async throws {
        let troupe = Troupe()
        await troupe.start("a", [try every(1)])
        await troupe.time.advance(by: .seconds(2.5))
        troupe.member("a")?.store.set(.failsAfter)
        await troupe.time.advance(by: .seconds(5))
        troupe.member("a")?.store.set(.none)
        await troupe.time.advance(by: .seconds(5))
        #expect(troupe.seconds("e") == (1...12).map(Double.init))
        await troupe.end()
    }

    @Test func `writes the run state again where the store lost everything, and sends nothing twice`() async throws {
        let troupe = Troupe()
        let entries = [try every(1), try every(7, "f")]
        await troupe.start("a", entries)
        await troupe.start("b", entries)
        await troupe.time.advance(by: .seconds(4.5))
        troupe.store.loseEverything()
        await troupe.time.advance(by: .seconds(20))
        #expect(troupe.seconds("e") == (1...24).map(Double.init))
        #expect(troupe.seconds("f") == [7, 14, 21])
        await troupe.end()
    }

    @Test func `is not disturbed when the store's clock is put back: slots that were sent stay sent`() async throws {
        let troupe = Troupe()
        await troupe.start("a", [try every(1)])
        await troupe.time.advance(by: .seconds(10.5))
        troupe.stepStoreClock(by: .seconds(-5))
        await troupe.time.advance(by: .seconds(10))
        let seconds = troupe.seconds("e")
        #expect(Set(seconds).count == seconds.count)
        #expect(seconds.last == 15)
        await troupe.end()
    }

    @Test func `sends what a clock that is put forward leaps over, once`() async throws {
        let troupe = Troupe()
        await troupe.start("a", [try every(10)])
        await troupe.time.advance(by: .seconds(15))
        troupe.stepStoreClock(by: .seconds(3600))
        await troupe.time.advance(by: .seconds(10))
        let seconds = troupe.seconds("e")
        #expect(Set(seconds).count == seconds.count)
        // What lies more than a minute back counts as missed, of which the last is sent.
        #expect(seconds.count <= 10)
        #expect((troupe.store.states["e"]?.missed ?? 0) > 300)
        await troupe.end()
    }

    // MARK: Edits

    @Test func `takes on added, changed and dropped entries without a stray run`() async throws {
        let troupe = Troupe()
        await troupe.start("a", [try every(10), try every(4, "gone")])
        await troupe.time.advance(by: .seconds(25))
        let writer = MessageWriter(origin: "o", replyTo: "r") { _ in TaskRoute(queue: "celery") }
        let fresh = [try every(3), try every(6, "new")]
        await troupe.member("a")?.beat.load(fresh, writer: writer)
        await troupe.time.advance(by: .milliseconds(100))
        #expect(troupe.seconds("e") == [10, 20])
        #expect(troupe.store.states["gone"] == nil)
        await troupe.time.advance(by: .seconds(10))
        // Every three seconds from the last run at 20; the new one from when it was loaded.
        #expect(troupe.seconds("e") == [10, 20, 26, 29, 32, 35])
        #expect(troupe.seconds("gone") == [4, 8, 12, 16, 20, 24])
        #expect(troupe.seconds("new").count == 1)
        await troupe.end()
    }

    @Test func `leaves an entry to whoever loaded another version of it last`() async throws {
        let troupe = Troupe()
        await troupe.start("old", [try every(10), try every(4, "same"), try every(5, "dropped")])
        await troupe.time.advance(by: .seconds(1))
        await troupe.start("new", [try every(10) { $0.kwargs = Array("{\"v\": 2}".utf8) }, try every(4, "same")])
        await troupe.time.advance(by: .seconds(60))
        #expect(troupe.seconds("e") == [10, 20, 30, 40, 50, 60])
        #expect(troupe.store.states["e"]?.sender == "new")
        #expect(troupe.seconds("same") == stride(from: 4.0, through: 60, by: 4).map { $0 })
        #expect(troupe.seconds("dropped") == [])
        await troupe.end()
    }

    @Test func `leaves out a slot while the last run is unfinished, for a bounded time`() async throws {
        let unfinished = Mutex(true)
        let troupe = Troupe(unfinished: { _ in unfinished.withLock { $0 } })
        await troupe.start("a", [try every(10, overlap: .skip(for: .seconds(55)))])
        await troupe.time.advance(by: .seconds(45))
        #expect(troupe.seconds("e") == [10])
        #expect(troupe.store.states["e"]?.skipped == 3)
        await troupe.time.advance(by: .seconds(30))
        #expect(troupe.seconds("e") == [10, 70])
        unfinished.withLock { $0 = false }
        await troupe.time.advance(by: .seconds(10))
        #expect(troupe.seconds("e") == [10, 70, 80])
        await troupe.end()
    }

    // MARK: Everything at once

    @Test(arguments: 1...12) func `sends each slot exactly once, whatever happens to the beats`(_ seed: UInt64)
        async throws
    {
        var chance = Chance(seed: seed)
        let troupe = Troupe()
        let entries = try (0..<8).map { try every([0.5, 1, 1.7, 2.3][$0 % 4], "e\($0)") }
        let names = ["a", "b", "c"]
        for name in names { await troupe.start(name, entries) }
        for _ in 0..<60 {
            await troupe.time.advance(by: .milliseconds(Int.random(in: 50...2500, using: &chance)))
            guard let victim = names.randomElement(using: &chance) else { break }
            switch Int.random(in: 0..<6, using: &chance) {
            case 0:
                await troupe.kill(victim)
                await troupe.start(victim, entries)
            case 1: troupe.member(victim)?.store.set(.stopsBefore)
            case 2: troupe.member(victim)?.store.set(.failsAfter)
            case 3: troupe.member(victim)?.store.set(.failsBefore)
            default: for name in names { troupe.member(name)?.store.set(.none) }
            }
        }
        for name in names { troupe.member(name)?.store.set(.none) }
        await troupe.time.advance(by: .seconds(20))
        #expect(Set(troupe.sent).count == troupe.sent.count)
        #expect(Set(troupe.sent.map(\.id)).count == troupe.sent.count)
        for entry in entries {
            let slots = troupe.sent.filter { $0.entry == entry.name }.map(\.slot)
            let state = try #require(troupe.store.states[entry.name])
            // None doubled, and none left out but those that were counted as missed.
            let steps = zip(slots, slots.dropFirst()).map { $1 - $0 }
            #expect(steps.allSatisfy { $0 > .zero }, "\(entry.name)")
            #expect(slots.count == state.sent)
            let all = Int((Troupe.seconds(state.mark - state.anchor) / Troupe.seconds(interval(entry))).rounded())
            #expect(slots.count + state.missed == all, "\(entry.name)")
        }
        await troupe.end()
    }

    private func interval(_ entry: ScheduleEntry) -> Duration {
        if case .interval(let interval) = entry.schedule { interval.every } else { .zero }
    }
}

/// Numbers that look random and are the same for the same seed.
struct Chance: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
