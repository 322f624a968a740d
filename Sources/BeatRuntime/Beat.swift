import CeleryMessage
public import Logging
public import Schedules

/// The scheduler: sends what is due, each slot once, however many beats share the schedule.
///
/// It holds no truth of its own. Which slots are dealt with is in the ``ScheduleStore``, which also decides, in the step that
/// sends, whether a slot is still to be sent; a beat that was stopped, is late, or knows less than it should is refused there.
/// `Docs/BeatLease.md` goes through the failures one by one.
public actor Beat {
    let configuration: BeatConfiguration
    let store: any ScheduleStore
    let clock: any BeatClock
    let logger: Logger
    /// When this beat last came round.
    public nonisolated let pulse: Pulse
    var writer: MessageWriter
    var timetable = Timetable()
    var time = StoreClock()
    var presence = Presence()
    private var lease = Lease()
    private var epoch: String?
    private var nextTurn = Duration.zero
    private var errors = 0
    private(set) var failures = 0
    private(set) var isStopping = false
    private(set) var isAdopted = false
    var counts = BeatCounts()
    private var loads = 0
    private var wanted: Wanted?
    private var unknown: Set<Int> = []
    private var sleeper: Task<Void, Never>?
    private var isWoken = false
    private var hasAdopted = false

    /// A schedule that is to be taken on.
    struct Wanted {
        var number: Int
        var entries: [ScheduleEntry]
        var writer: MessageWriter
    }

    /// Whether this beat sends at once, or watches.
    private struct Lease {
        var until = Duration.zero
        var isHeld = false
    }

    /// Prepares a beat; nothing happens before ``run(onAdopted:)``.
    public init(
        configuration: BeatConfiguration,
        store: any ScheduleStore,
        clock: any BeatClock = SystemBeatClock(),
        writer: MessageWriter,
        logger: Logger
    ) {
        self.configuration = configuration
        self.store = store
        self.clock = clock
        self.writer = writer
        self.logger = logger
        pulse = Pulse(clock)
        presence.continuity = configuration.continuity
    }

    /// Sends what is due of the entries that ``load(_:writer:)`` brought, until ``stop()``, or until its task is cancelled.
    ///
    /// A store that cannot be reached is waited for, also at the start.
    ///
    /// - Parameter onAdopted: called each time when a schedule's entries are known to the store and are gone by from here on.
    public func run(onAdopted: @Sendable () -> Void = {}) async {
        while !isStopping, !Task.isCancelled {
            presence.isHere(at: clock.uptime)
            do {
                try await step()
                failures = 0
            } catch {
                await failed(error)
                continue
            }
            pulse.beat()
            if hasAdopted { onAdopted() }
            hasAdopted = false
            await rest(until: nextWake)
        }
        // Others need not wait for the lease to end; when the store does not answer, they wait.
        try? await store.leave(configuration.beatID)
    }

    /// Takes on a schedule at the next opportunity, the first one or another one; run states are kept.
    ///
    /// - Parameter writer: how messages are written from here on; `nil` for as before.
    public func load(_ entries: [ScheduleEntry], writer: MessageWriter? = nil) {
        loads += 1
        wanted = Wanted(number: loads, entries: entries, writer: writer ?? self.writer)
        wake()
    }

    /// Ends ``run(onAdopted:)`` after what is being sent.
    public func stop() {
        isStopping = true
        wake()
    }

    /// One round: sign of life, a new schedule, and everything that is due.
    private func step() async throws {
        if clock.uptime >= nextTurn { try await takeTurn() }
        if let fresh = wanted {
            try await adopt(fresh)
            hasAdopted = true
            isAdopted = true
            // Another one may have come meanwhile.
            if wanted?.number == fresh.number { wanted = nil }
        }
        while !isStopping, !Task.isCancelled, wanted == nil, try await sendDue() {
            if clock.uptime >= nextTurn { try await takeTurn() }
        }
    }

    // MARK: Turns

    /// A sign of life, the lease, and the time of day.
    private func takeTurn() async throws {
        let asked = clock.uptime
        let request = TurnRequest(beatID: configuration.beatID, lease: configuration.lease, errors: errors)
        let turn = try await store.turn(request)
        errors -= request.errors
        let answered = clock.uptime
        time.set(turn.now, at: answered)
        presence.note(turn, at: answered)
        // It trusts itself for less time than the lease lasts, counted from before it asked.
        lease.until = asked + configuration.lease - configuration.turnInterval / 2
        if turn.holdsLease != lease.isHeld {
            logger.info(
                turn.holdsLease
                    ? "beat: Holding the lease: sending what is due." : "beat: Another beat holds the lease: watching."
            )
        }
        lease.isHeld = turn.holdsLease
        // An answer that took long says little about the time it is now.
        let isOld = answered - asked > .milliseconds(250)
        nextTurn = answered + (isOld ? .milliseconds(250) : configuration.turnInterval)
        try await noteEpoch(turn.epoch)
    }

    /// Another epoch than the one known means that the store lost what it had; in the same one, an entry that it does not
    /// know was dropped by a beat with a newer file.
    private func noteEpoch(_ current: String?) async throws {
        guard wanted == nil else { return }
        if let epoch, epoch != current { return try await registerAgain() }
        if epoch != nil {
            for index in unknown where timetable.leave(index) {
                logger.warning(
                    "Scheduler: \(timetable.entries[index].name) is not sent: a beat has loaded a file without it"
                )
            }
        }
        unknown = []
        epoch = current
    }

    /// The store does not know an entry: the next turn tells why.
    func noteUnknown(_ index: Int) {
        unknown.insert(index)
        turnSoon()
    }

    /// How long slots wait for the beat that holds the lease.
    var patience: Duration { lease.isHeld && clock.uptime < lease.until ? .zero : configuration.grace }

    private var nextWake: Duration {
        guard let due = timetable.nextDue else { return nextTurn }
        return min(nextTurn, time.uptime(at: due + patience))
    }

    /// The next round begins with a sign of life.
    func turnSoon() { nextTurn = clock.uptime }

    // MARK: The schedule

    /// Makes entries known to the store and goes by them from here on.
    private func adopt(_ fresh: Wanted) async throws {
        let progress = try await register(fresh.entries.count) { index in
            let entry = fresh.entries[index]
            return EntryRegistration(name: entry.name, fingerprint: entry.fingerprint)
        }
        let before = timetable
        let dropped = try await store.forget(exceptFor: Set(fresh.entries.map(\.name)))
        writer = fresh.writer
        timetable = Timetable(entries: fresh.entries, progress: progress)
        unknown = []
        epoch = nil
        turnSoon()
        if !before.entries.isEmpty || dropped > 0 { tell(before, dropped: dropped) }
    }

    private func tell(_ before: Timetable, dropped: Int) {
        let old = Dictionary(zip(before.entries.map(\.name), before.progress.map(\.content))) { first, _ in first }
        var added = 0
        var changed = 0
        for (entry, progress) in zip(timetable.entries, timetable.progress) where !old.isEmpty {
            guard let content = old[entry.name] else {
                added += 1
                continue
            }
            if content != progress.content { changed += 1 }
        }
        logger.info(
            "beat: Schedule changed: \(timetable.entries.count) entries, \(added) added, \(changed) changed, \(dropped) dropped."
        )
    }

    /// The store lost everything: it is told what this beat remembers.
    private func registerAgain() async throws {
        logger.warning("beat: The run state was lost; it is written again from memory.")
        let known = timetable
        let progress = try await register(known.entries.count) { index in
            let remembered = known.remembered(index)
            return EntryRegistration(
                name: known.entries[index].name,
                fingerprint: remembered.fingerprint,
                remembered: remembered
            )
        }
        timetable = Timetable(entries: known.entries, progress: progress)
        unknown = []
        epoch = nil
        turnSoon()
    }

    /// How many entries are made known in one step, and how many steps are on their way at once: while the store takes
    /// one, this beat prepares the next.
    private static let piece = 1000
    private static let ahead = 3

    /// In pieces, so that a store that serves others too is not held up, and little is in memory at once.
    private func register(
        _ count: Int,
        _ entry: (Int) -> EntryRegistration
    ) async throws -> [Timetable.Progress] {
        let pieces = stride(from: 0, to: count, by: Self.piece).map { $0..<min($0 + Self.piece, count) }
        let store = store
        guard pieces.count > 1 else {
            return try await store.register((0..<count).map(entry)).map(Timetable.Progress.init)
        }
        return try await withThrowingTaskGroup(of: (Range<Int>, [Timetable.Progress]).self) { group in
            var progress = [Timetable.Progress](repeating: Timetable.Progress(), count: count)
            var waiting = pieces[...]
            var underWay = 0
            while underWay > 0 || !waiting.isEmpty {
                while underWay < Self.ahead, let piece = waiting.popFirst() {
                    let entries = piece.map(entry)
                    group.addTask { (piece, try await store.register(entries).map(Timetable.Progress.init)) }
                    underWay += 1
                }
                guard let (piece, states) = try await group.next() else { break }
                underWay -= 1
                progress.replaceSubrange(piece, with: states)
            }
            return progress
        }
    }

    // MARK: Waiting

    private func failed(_ error: any Error) async {
        countError()
        failures += 1
        // Once for each time that it fails, not for each attempt.
        if failures == 1, !isStopping { logger.error("beat: \(error); trying again.") }
        turnSoon()
        await rest(until: clock.uptime + min(.milliseconds(100) * (1 << min(failures - 1, 4)), .seconds(1)))
    }

    /// Counts something that went wrong, for `status` and for this process's metrics.
    func countError() {
        errors += 1
        counts.errors += 1
    }

    private func wake() {
        isWoken = true
        sleeper?.cancel()
    }

    private func rest(until uptime: Duration) async {
        guard !isWoken, !isStopping, uptime > clock.uptime else {
            isWoken = false
            return
        }
        let clock = clock
        let sleep = Task { await clock.sleep(until: uptime) }
        sleeper = sleep
        await withTaskCancellationHandler {
            await sleep.value
        } onCancel: {
            sleep.cancel()
        }
        sleeper = nil
        isWoken = false
    }
}
