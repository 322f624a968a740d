import CeleryMessage
import Logging
import Schedules

extension Beat {
    /// A step of an entry on its way to the store.
    private struct Attempt {
        var index: Int
        var emission: SlotEmission
    }

    /// Sends a batch of what is due; answers whether there may be more.
    func sendDue() async throws -> Bool {
        let now = time.now(at: clock.uptime)
        let patience = patience
        let taken = timetable.takeDue(until: now - patience, limit: configuration.batch)
        guard !taken.isEmpty else { return false }
        var settled = Set<Int>()
        do {
            let due = patience > .zero ? try await unsent(among: taken, &settled) : taken
            try await send(due, now: now, &settled)
        } catch {
            // What became of them is not known; the store will say when it is asked again.
            for index in taken where !settled.contains(index) { timetable.putBack(index) }
            throw error
        }
        return true
    }

    /// Looks which of these nobody has sent; the others are put back by their next slots.
    private func unsent(among indices: [Int], _ settled: inout Set<Int>) async throws -> [Int] {
        let states = try await store.states(of: indices.map { timetable.entries[$0].name })
        let latest = time.now(at: clock.uptime) - configuration.grace
        var unsent: [Int] = []
        for (index, state) in zip(indices, states) {
            guard let state else {
                unsent.append(index)
                continue
            }
            timetable.note(state, for: index)
            let entry = timetable.entries[index]
            let next = entry.nextSlot(after: state.mark, anchor: state.anchor).map(entry.due)
            if let next, next <= latest {
                unsent.append(index)
            } else {
                timetable.putBack(index)
                settled.insert(index)
            }
        }
        return unsent
    }

    private func send(_ indices: [Int], now: Instant, _ settled: inout Set<Int>) async throws {
        let selection = SlotSelection(
            now: now,
            missedBefore: max(presence.since ?? now, now - configuration.lateLimit),
            limit: configuration.slotsAtOnce
        )
        var attempts: [Attempt] = []
        var postponed: [Int: Instant] = [:]
        for index in indices {
            do {
                attempts += try self.attempts(index, selection)
            } catch {
                // It would fail again and again: the next look is at its next slot, or after a while.
                logger.error("Scheduler: \(timetable.entries[index].name) cannot be sent: \(error)")
                countError()
                postponed[index] = now + configuration.refusedDelay
            }
        }
        for first in stride(from: 0, to: attempts.count, by: configuration.batch) {
            let part = Array(attempts[first..<min(first + configuration.batch, attempts.count)])
            let outcomes = try await store.emit(part.map(\.emission))
            for (attempt, outcome) in zip(part, outcomes) { settle(attempt, outcome, &postponed) }
        }
        for index in indices {
            timetable.putBack(index, notBefore: postponed[index])
            settled.insert(index)
        }
    }

    private func attempts(_ index: Int, _ selection: SlotSelection) throws -> [Attempt] {
        let entry = timetable.entries[index]
        let progress = timetable.progress[index]
        return try selection.steps(for: entry, anchor: progress.anchor, mark: progress.mark).map { step in
            let id = entry.taskID(schedule: configuration.schedule, slot: step.slot)
            var bound: Duration?
            if case .skip(let duration) = entry.overlap { bound = duration }
            let emission = SlotEmission(
                entry: entry.name,
                fingerprint: progress.content,
                expectedMark: step.from,
                slot: step.slot,
                due: entry.due(step.slot),
                missed: step.missed,
                message: step.isSent ? try writer.message(entry, id: id, now: selection.now) : nil,
                taskID: id,
                sender: configuration.name,
                skipsUnfinished: bound
            )
            return Attempt(index: index, emission: emission)
        }
    }

    private func settle(_ attempt: Attempt, _ outcome: EmissionOutcome, _ postponed: inout [Int: Instant]) {
        let index = attempt.index
        let emission = attempt.emission
        let entry = timetable.entries[index]
        switch outcome {
        case .done:
            timetable.note(mark: emission.slot, for: index)
            tellSent(emission, entry)
        case .paused:
            timetable.note(mark: emission.slot, for: index)
            logger.info("Scheduler: Leaving out \(entry.name) (\(entry.task)): it is paused")
        case .unfinished:
            timetable.note(mark: emission.slot, for: index)
            counts.skipped += 1
            counts.missed += emission.missed
            logger.info("Scheduler: Leaving out \(entry.name) (\(entry.task)): the last run is unfinished")
        case .moved(let state):
            timetable.note(state, for: index)
            // The answer to sending it was lost, and it was sent.
            if state.slot == emission.slot, state.sender == configuration.name { tellSent(emission, entry) }
        case .replaced(let state):
            guard timetable.leave(index) else { break }
            let other = state.sender.map { " (last sent by \($0))" } ?? ""
            logger.warning(
                "Scheduler: \(entry.name) is left to others: a beat has loaded another version of it since\(other)"
            )
        case .unknown:
            // Either a beat loaded a file without the entry, or everything is lost: the epoch tells.
            noteUnknown(index)
            postponed[index] = time.now(at: clock.uptime) + .milliseconds(500)
        case .early:
            turnSoon()
            postponed[index] = time.now(at: clock.uptime) + .milliseconds(100)
        case .refused(let reason):
            countError()
            postponed[index] = time.now(at: clock.uptime) + configuration.refusedDelay
            logger.error("Scheduler: \(entry.name) (\(entry.task)) is not taken by its queue: \(reason); trying again")
        }
    }

    private func tellSent(_ emission: SlotEmission, _ entry: ScheduleEntry) {
        counts.missed += emission.missed
        if emission.missed > 0 {
            logger.warning(
                "Scheduler: \(entry.name) missed \(emission.missed) \(emission.missed == 1 ? "run" : "runs")"
            )
        }
        guard emission.message != nil else { return }
        counts.sent += 1
        counts.lag = max(.zero, time.now(at: clock.uptime) - emission.due)
        // The words that people search for.
        logger.info("Scheduler: Sending due task \(entry.name) (\(entry.task))")
    }
}
