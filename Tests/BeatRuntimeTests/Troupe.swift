import BeatRuntime
import CeleryMessage
import Logging
import Schedules
import Synchronization

/// Several beats of one schedule in virtual time, and the messages that they have sent.
final class Troupe: Sendable {
    /// One slot that was sent.
    struct Sent: Hashable {
        var entry: String
        var slot: Instant
        var id: String
    }

    /// What can go wrong between a beat and its store.
    enum Trouble: Sendable {
        case none
        /// The call fails before anything happens.
        case failsBefore
        /// The call happens, and its answer is lost.
        case failsAfter
        /// The beat stands still before the call, until it may go on.
        case stopsBefore
    }

    /// What was sent and when, and how far the store's clock was set.
    private final class Ledger: Sendable {
        struct Content {
            var sent: [Sent] = []
            var times: [Instant] = []
            var step = Duration.zero
        }

        let content = Mutex(Content())
    }

    struct Member {
        var beat: Beat
        var store: TroubledStore
        var run: Task<Void, Never>
    }

    static let start = Instant(microseconds: 1_800_000_000_000_000)

    let time = VirtualTime()
    let store: InMemoryScheduleStore
    private let ledger = Ledger()
    private let members = Mutex<[String: Member]>([:])

    init(unfinished: @escaping @Sendable (String) -> Bool = { _ in false }) {
        store = InMemoryScheduleStore(
            now: { [time, ledger] in Self.start + time.uptime + ledger.content.withLock { $0.step } },
            isUnfinished: unfinished,
            deliver: { [time, ledger] emission in
                ledger.content.withLock { content in
                    content.sent.append(Sent(entry: emission.entry, slot: emission.slot, id: emission.taskID))
                    content.times.append(Self.start + time.uptime + content.step)
                }
                return .done
            }
        )
    }

    /// Every slot sent, in order.
    var sent: [Sent] { ledger.content.withLock { $0.sent } }

    /// When each was sent, by the store's clock.
    var times: [Instant] { ledger.content.withLock { $0.times } }

    /// The store's clock is set.
    func stepStoreClock(by duration: Duration) { ledger.content.withLock { $0.step += duration } }

    /// The slots of an entry that were sent, in seconds since the start.
    func seconds(_ entry: String) -> [Double] {
        sent.filter { $0.entry == entry }.map { Self.seconds($0.slot - Self.start) }
    }

    static func seconds(_ duration: Duration) -> Double {
        Double(duration.components.seconds) + Double(duration.components.attoseconds) / 1e18
    }

    // MARK: Members

    func start(_ name: String, _ entries: [ScheduleEntry]) async {
        let troubled = TroubledStore(store: store, time: time)
        let beat = Beat(
            configuration: BeatConfiguration(schedule: "test", beatID: name, name: name),
            store: troubled,
            clock: time,
            writer: MessageWriter(origin: "gen1@test", replyTo: "r") { _ in TaskRoute(queue: "celery") },
            logger: Logger(label: "beat") { _ in SwiftLogNoOpLogHandler() }
        )
        time.count(1)
        let run = Task { [time] in
            await beat.load(entries)
            await beat.run()
            time.count(-1)
        }
        members.withLock { $0[name] = Member(beat: beat, store: troubled, run: run) }
        await time.quiet()
    }

    func member(_ name: String) -> Member? { members.withLock { $0[name] } }

    /// Ends a beat in good order.
    func stop(_ name: String) async {
        guard let member = members.withLock({ $0.removeValue(forKey: name) }) else { return }
        await member.beat.stop()
        await member.run.value
    }

    /// Ends a beat without a word: nothing that it would still say reaches the store.
    func kill(_ name: String) async {
        guard let member = members.withLock({ $0.removeValue(forKey: name) }) else { return }
        member.store.cutOff()
        member.run.cancel()
        await member.beat.stop()
        await member.run.value
    }

    /// Ends all of them.
    func end() async {
        for name in members.withLock({ Array($0.keys) }) { await kill(name) }
    }
}

/// A store that a test makes difficult to reach for one beat.
final class TroubledStore: ScheduleStore {
    struct Failure: Error {}

    private struct State {
        var trouble = Troupe.Trouble.none
        var isCut = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let store: InMemoryScheduleStore
    private let time: VirtualTime
    private let state = Mutex(State())

    init(store: InMemoryScheduleStore, time: VirtualTime) {
        self.store = store
        self.time = time
    }

    /// The next calls go wrong in this way; a beat that stands still goes on.
    func set(_ trouble: Troupe.Trouble) {
        let waiting = state.withLock { state in
            state.trouble = trouble
            guard case .stopsBefore = trouble else {
                defer { state.waiting = [] }
                return state.waiting
            }
            return []
        }
        for continuation in waiting {
            time.hold(-1)
            continuation.resume()
        }
    }

    /// From here on nothing gets through.
    func cutOff() {
        state.withLock { $0.isCut = true }
        set(.none)
    }

    private func through<Value>(_ call: () async throws -> Value) async throws -> Value {
        await withCheckedContinuation { continuation in
            let stops = state.withLock { state in
                guard case .stopsBefore = state.trouble else { return false }
                state.waiting.append(continuation)
                return true
            }
            if stops { time.hold(1) } else { continuation.resume() }
        }
        let (trouble, isCut) = state.withLock { ($0.trouble, $0.isCut) }
        if isCut { throw Failure() }
        if case .failsBefore = trouble { throw Failure() }
        let value = try await call()
        if case .failsAfter = trouble { throw Failure() }
        return value
    }

    func turn(_ request: TurnRequest) async throws -> Turn { try await through { try await store.turn(request) } }
    func register(_ entries: [EntryRegistration]) async throws -> [EntryState] {
        try await through { try await store.register(entries) }
    }
    func forget(exceptFor names: Set<String>) async throws -> Int {
        try await through { try await store.forget(exceptFor: names) }
    }
    func states(of names: [String]) async throws -> [EntryState?] {
        try await through { try await store.states(of: names) }
    }
    func emit(_ emissions: [SlotEmission]) async throws -> [EmissionOutcome] {
        try await through { try await store.emit(emissions) }
    }
    func leave(_ beatID: String) async throws { try await through { try await store.leave(beatID) } }
}

/// An entry that is due every so many seconds.
func every(
    _ seconds: Double,
    _ name: String = "e",
    missed: MissedPolicy = MissedPolicy(),
    overlap: OverlapPolicy = .allow,
    jitter: Duration = .zero,
    change: (inout ScheduleEntry) -> Void = { _ in }
) throws -> ScheduleEntry {
    var entry = ScheduleEntry(
        name: name,
        task: "proj.add",
        schedule: .interval(try Interval(every: .seconds(seconds))),
        rules: EntryRules(jitter: jitter, missed: missed, overlap: overlap)
    )
    change(&entry)
    return entry
}
