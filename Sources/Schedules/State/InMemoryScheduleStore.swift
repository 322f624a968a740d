public import CeleryMessage
import Synchronization

/// A store in this process: for tests, and for schedules that run without a server.
public final class InMemoryScheduleStore: ScheduleStore {
    private struct Contents {
        var states: [String: EntryState] = [:]
        var signs: [String: Instant] = [:]
        var lease: (holder: String, until: Instant)?
        var epoch: String?
    }

    private let contents = Mutex(Contents())
    private let now: @Sendable () -> Instant
    private let isUnfinished: @Sendable (String) -> Bool
    private let deliver: @Sendable (SlotEmission) -> EmissionOutcome

    /// An empty store, or one that begins with these states.
    ///
    /// - Parameters:
    ///   - now: the clock.
    ///   - isUnfinished: whether the task of an id still runs.
    ///   - deliver: takes a slot's message; anything but `done` leaves the mark where it is. Must not block.
    public init(
        states: [String: EntryState] = [:],
        now: @escaping @Sendable () -> Instant = { .now() },
        isUnfinished: @escaping @Sendable (String) -> Bool = { _ in false },
        deliver: @escaping @Sendable (SlotEmission) -> EmissionOutcome
    ) {
        self.now = now
        self.isUnfinished = isUnfinished
        self.deliver = deliver
        contents.withLock { contents in
            contents.states = states
            contents.epoch = states.isEmpty ? nil : Identifier.uuid()
        }
    }

    /// Every state, by entry.
    public var states: [String: EntryState] { contents.withLock { $0.states } }

    /// Loses everything, as a server without persistence does when it ends.
    public func loseEverything() { contents.withLock { $0 = Contents() } }

    /// Signs in; the lease goes to whoever finds it free.
    public func turn(_ request: TurnRequest) async throws -> Turn {
        let now = now()
        return contents.withLock { contents in
            let previous = contents.signs.values.max()
            contents.signs[request.beatID] = now
            if contents.lease.map({ $0.holder == request.beatID || $0.until <= now }) ?? true {
                contents.lease = (request.beatID, now + request.lease)
            }
            return Turn(
                now: now,
                holdsLease: contents.lease?.holder == request.beatID,
                previousSign: previous,
                epoch: contents.epoch
            )
        }
    }

    /// Makes entries known.
    public func register(_ entries: [EntryRegistration]) async throws -> [EntryState] {
        let now = now()
        return contents.withLock { contents in
            if contents.epoch == nil { contents.epoch = Identifier.uuid() }
            return entries.map { entry in
                let known = contents.states[entry.name] ?? entry.remembered
                let state =
                    known?.reloaded(as: entry.fingerprint, now: now)
                    ?? EntryState(fingerprint: entry.fingerprint, seen: now)
                contents.states[entry.name] = state
                return state
            }
        }
    }

    /// Forgets all others.
    public func forget(exceptFor names: Set<String>) async throws -> Int {
        contents.withLock { contents in
            let before = contents.states.count
            contents.states = contents.states.filter { names.contains($0.key) }
            return before - contents.states.count
        }
    }

    /// The states of these entries.
    public func states(of names: [String]) async throws -> [EntryState?] {
        contents.withLock { contents in names.map { contents.states[$0] } }
    }

    /// Deals with slots one by one; between two of them anything may happen, as between two scripts.
    public func emit(_ emissions: [SlotEmission]) async throws -> [EmissionOutcome] {
        emissions.map { emission in contents.withLock { emit(emission, &$0) } }
    }

    private func emit(_ emission: SlotEmission, _ contents: inout Contents) -> EmissionOutcome {
        let now = now()
        guard var state = contents.states[emission.entry] else { return .unknown }
        guard state.fingerprint.content == emission.fingerprint else { return .replaced(state) }
        guard state.mark == emission.expectedMark else { return .moved(state) }
        guard emission.slot <= now + .seconds(1) else { return .early }
        state.missed += emission.missed
        state.mark = emission.slot
        if emission.message != nil {
            if let bound = emission.skipsUnfinished, let id = state.taskID, let sentAt = state.sentAt,
                now - sentAt < bound, isUnfinished(id)
            {
                state.skipped += 1
                contents.states[emission.entry] = state
                return .unfinished
            }
            let outcome = deliver(emission)
            guard outcome == .done else { return outcome }
            state.slot = emission.slot
            state.sentAt = now
            state.sent += 1
            state.lag = max(.zero, now - emission.due)
            state.taskID = emission.taskID
            state.sender = emission.sender
        }
        contents.states[emission.entry] = state
        return .done
    }

    /// Signs off.
    public func leave(_ beatID: String) async throws {
        contents.withLock { contents in
            contents.signs[beatID] = nil
            if contents.lease?.holder == beatID { contents.lease = nil }
        }
    }
}
