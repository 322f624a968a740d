import CeleryMessage
import Inspection
import Logging
import Synchronization
import Testing

@testable import Alerts

@Suite(.timeLimit(.minutes(1))) struct `Telling hooks` {
    private let ledger = LedgerInMemory()

    private func teller(_ hook: FakeHook, _ counter: AlertCounter = AlertCounter(hooks: ["fake"])) -> AlertTeller {
        AlertTeller(hook, ledger: ledger, pacing: AlertPacing(), counter: counter, logger: .silent) {
            Instant(seconds: 1_790_000_000)
        }
    }

    @Test func `what failed before is no news, and a burst is one alert`() async {
        let hook = FakeHook(.groups)
        ledger.keep(10)
        var teller = teller(hook)
        _ = await teller.step()
        #expect(hook.told.isEmpty)
        ledger.keep(500)
        _ = await teller.step()
        #expect(hook.told.map(\.count) == [500])
    }

    @Test func `a restart neither repeats nor forgets`() async {
        let hook = FakeHook(.groups)
        var first = teller(hook)
        _ = await first.step()
        ledger.keep(1)
        _ = await first.step()
        ledger.keep(2)
        var second = teller(hook)
        _ = await second.step()
        #expect(hook.told.map(\.count) == [1])
        #expect(ledger.states["fake"].flatMap(AlertGroups.init)?.groups.values.map(\.waiting) == [2])
    }

    @Test func `a hook that is down is asked more and more rarely, and told all of it in the end`() async {
        let hook = FakeHook(.groups)
        let counter = AlertCounter(hooks: ["fake"])
        var teller = teller(hook, counter)
        _ = await teller.step()
        hook.failure = AlertHookError("down")
        ledger.keep(3)
        #expect(await teller.step() == .seconds(1))
        ledger.keep(4)
        #expect(await teller.step() == .seconds(2))
        #expect(await teller.step() == .seconds(4))
        hook.failure = AlertHookError("later", retryAfter: .seconds(30))
        #expect(await teller.step() == .seconds(30))
        hook.failure = nil
        _ = await teller.step()
        #expect(hook.told.map(\.count) == [7])
        #expect(counter.count(of: "fake", .failed) == 4 && counter.count(of: "fake", .told) == 1)
    }

    @Test(arguments: [(1, 1), (2, 2), (9, 256), (10, 300), (1000, 300)])
    func `backs off up to five minutes`(failures: Int, seconds: Int) {
        #expect(AlertTeller.backOff(failures) == .seconds(seconds))
    }

    @Test func `an alert that is refused for good does not hold up the next`() async {
        let hook = FakeHook(.each)
        let counter = AlertCounter(hooks: ["fake"])
        var teller = teller(hook, counter)
        _ = await teller.step()
        hook.failure = AlertHookError("no", isFinal: true)
        ledger.keep(2)
        _ = await teller.step()
        hook.failure = nil
        ledger.keep(1)
        _ = await teller.step()
        #expect(hook.told.map(\.letter.id) == ["letter-3"])
        #expect(counter.count(of: "fake", .refused) == 2)
    }

    @Test func `a hook that wants each is told each once, from where it was`() async {
        let hook = FakeHook(.each)
        var teller = teller(hook)
        _ = await teller.step()
        ledger.keep(450)
        _ = await teller.step()
        #expect(hook.told.map(\.letter.id) == (1...450).map { "letter-\($0)" })
        hook.failure = AlertHookError("down")
        ledger.keep(2)
        _ = await teller.step()
        hook.failure = nil
        var next = self.teller(hook)
        _ = await next.step()
        #expect(hook.told.count == 452)
    }

    @Test func `whoever has lost the turn tells no more, and reads again what was told`() async {
        let hook = FakeHook(.each)
        var teller = teller(hook)
        _ = await teller.step()
        ledger.keep(3)
        ledger.isOurs = false
        _ = await teller.step()
        // The first had been told when it turned out.
        #expect(hook.told.count == 1)
        ledger.isOurs = true
        _ = await teller.step()
        #expect(hook.told.map(\.letter.id) == ["letter-1", "letter-1", "letter-2", "letter-3"])
    }

    @Test(arguments: [AlertHookWants.each, .groups])
    func `what a hook is being told when the gateway stops is told to its end and remembered`(
        wants: AlertHookWants
    ) async throws {
        let hook = FakeHook(wants)
        await stopWhileTelling(hook, of: 1)
        #expect(hook.told.count == 1)
        var second = teller(hook)
        _ = await second.step()
        #expect(hook.told.count == 1)
        ledger.keep(1)
        _ = await second.step()
        #expect(hook.told.count == (wants == .each ? 2 : 1))
    }

    @Test func `begins nothing new once it is to stop`() async throws {
        let hook = FakeHook(.each)
        await stopWhileTelling(hook, of: 3)
        #expect(hook.told.map(\.letter.id) == ["letter-1"])
    }

    /// Has letters come, and the teller end while it tells the hook of the first.
    private func stopWhileTelling(_ hook: FakeHook, of letters: Int) async {
        var first = teller(hook)
        _ = await first.step()
        ledger.keep(letters)
        hook.isSlow = true
        let running = Task { [first] in
            var first = first
            _ = await first.step()
        }
        while !hook.isBeingTold { await Task.yield() }
        running.cancel()
        hook.isSlow = false
        await running.value
    }

    @Test func `without Redis nothing is told and nothing lost`() async {
        let hook = FakeHook(.groups)
        var teller = teller(hook)
        _ = await teller.step()
        ledger.isReachable = false
        ledger.keep(2)
        #expect(await teller.step() == AlertTeller.pause)
        #expect(hook.told.isEmpty)
        ledger.isReachable = true
        _ = await teller.step()
        #expect(hook.told.map(\.count) == [2])
    }
}

extension Logger {
    fileprivate static var silent: Logger { Logger(label: "test") { _ in SwiftLogNoOpLogHandler() } }
}

/// A hook that remembers what it was told.
private final class FakeHook: AlertHook {
    let name = "fake"
    let wants: AlertHookWants
    private struct Pace {
        var isSlow = false
        var isBeingTold = false
    }

    private let state = Mutex<(told: [Alert], failure: AlertHookError?)>(([], nil))
    private let pace = Mutex(Pace())

    init(_ wants: AlertHookWants) { self.wants = wants }

    var told: [Alert] { state.withLock { $0.told } }
    var failure: AlertHookError? {
        get { state.withLock { $0.failure } }
        set { state.withLock { $0.failure = newValue } }
    }

    /// Whether it lets everybody wait who tells it something.
    var isSlow: Bool {
        get { pace.withLock { $0.isSlow } }
        set { pace.withLock { $0.isSlow = newValue } }
    }
    var isBeingTold: Bool { pace.withLock { $0.isBeingTold } }

    func tell(_ alert: Alert) async throws(AlertHookError) -> String {
        pace.withLock { $0.isBeingTold = true }
        while isSlow {
            // As a real client of HTTP, which ends with its task.
            if Task.isCancelled { throw AlertHookError("cancelled") }
            await Task.yield()
        }
        if let failure { throw failure }
        state.withLock { $0.told.append(alert) }
        return "ok"
    }

    func shutdown() async {}
}

/// Dead letters and what was told of them, in this process.
private final class LedgerInMemory: AlertLedger {
    private struct State {
        var letters = 0
        var states: [String: JSONValue] = [:]
        var isOurs = true
        var isReachable = true
    }

    private let state = Mutex(State())

    var states: [String: JSONValue] { state.withLock { $0.states } }
    var isOurs: Bool {
        get { state.withLock { $0.isOurs } }
        set { state.withLock { $0.isOurs = newValue } }
    }
    var isReachable: Bool {
        get { state.withLock { $0.isReachable } }
        set { state.withLock { $0.isReachable = newValue } }
    }

    /// More letters, `letter-1` the first of all.
    func keep(_ count: Int) { state.withLock { $0.letters += count } }

    private func reached<Value: Sendable>(_ body: (inout State) -> Value) throws -> Value {
        try state.withLock { state in
            guard state.isReachable else { throw InspectionError(.unavailable, "switched off") }
            return body(&state)
        }
    }

    func takeTurn() async throws -> Bool { try reached { $0.isOurs } }

    func leaveTurn() async throws {}

    func newest() async throws -> Int64 { try reached { Int64($0.letters) } }

    func state(of hook: String) async throws -> JSONValue? { try reached { $0.states[hook] } }

    func letters(after position: Int64, limit: Int) async throws -> [(position: Int64, letter: DeadLetter)] {
        try reached { state in
            guard position < state.letters else { return [] }
            return ((Int(position) + 1)...state.letters).prefix(limit).map { number in
                (Int64(number), DeadLetter.sample("letter-\(number)", at: Instant(seconds: Double(number))))
            }
        }
    }

    func keep(_ stored: JSONValue, of hook: String) async throws -> Bool {
        try reached { state in
            guard state.isOurs else { return false }
            state.states[hook] = stored
            return true
        }
    }
}
