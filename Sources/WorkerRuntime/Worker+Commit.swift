import CeleryMessage
import DequeModule
import Logging
import NIOCore
import Transport

/// A commit on its way, and whether an earlier try may have happened.
struct PendingCommit {
    var commit: Commit
    /// A state on the way, not an end.
    var isState = false
    /// When a message parked by it is due.
    var due: Instant?
    var wasTried = false
    /// What is told once it has happened.
    var event: EventDraft?
    /// What counts for a tenant no longer once it has happened.
    var slot: TenantSlot?
}

extension Worker {
    /// Hands a commit to the loops below; it leaves with everything else of this moment.
    ///
    /// - Parameters:
    ///   - due: when a message that it parks is due.
    ///   - event: what is told once the commit has happened.
    ///   - slot: what counts for a tenant no longer once it has happened.
    func enqueue(_ commit: Commit, due: Instant? = nil, event: EventDraft? = nil, freeing slot: TenantSlot? = nil) {
        pending.append(PendingCommit(commit: commit, due: due, event: event, slot: slot))
        wantsCommit.raise()
    }

    /// Sends what is pending, a batch at a time, until the worker has stopped and nothing is left.
    ///
    /// Several of these run at once, so that a batch need not wait for the one before. A commit that fails with the
    /// connection is sent again: if it did happen the first time, its tag is gone and the second does nothing.
    func commitLoop() async {
        while true {
            let batch = nextBatch()
            guard !batch.isEmpty else {
                if phase == .stopped { return }
                await wantsCommit.wait()
                continue
            }
            do {
                let statuses = try await broker.commit(batch.map(\.commit))
                commitsInFlightCount -= batch.count
                for (sent, status) in zip(batch, statuses) {
                    if status == .lost {
                        lost(sent)
                    } else if let event = sent.event {
                        gather(event)
                    }
                    if let slot = sent.slot { free(slot) }
                    if case .completed(let claims) = status { completed(claims) }
                    // Not before it is parked: a release that was on its way would have answered without it.
                    if let due = sent.due { noteDue(due) }
                }
                if phase > .running { progressed.raise() }
            } catch {
                commitsInFlightCount -= batch.count
                await failed(batch, error)
            }
        }
    }

    private func nextBatch() -> [PendingCommit] {
        var batch: [PendingCommit] = []
        let size = min(Self.batch, pendingStates.count + pending.count)
        guard size > 0 else { return batch }
        batch.reserveCapacity(size)
        // States go first: a later end of the same task replaces them.
        while batch.count < size, let (job, commit) = pendingStates.first {
            pendingStates[job] = nil
            batch.append(PendingCommit(commit: commit, isState: true))
        }
        while batch.count < size, let next = pending.popFirst() { batch.append(next) }
        commitsInFlightCount += batch.count
        return batch
    }

    private func lost(_ sent: PendingCommit) {
        // After a lost connection this is how a commit that did happen looks the second time.
        guard !sent.wasTried, sent.commit.acknowledges, let tag = sent.commit.tag else { return }
        counters?.leasesLost += 1
        logger.warning("The message held under \(tag) was taken back by another worker; its result is not stored")
    }

    private func failed(_ batch: [PendingCommit], _ error: any Error) async {
        // A state of a task that was acknowledged early: sent again late it could overwrite the task's end.
        for sent in batch.reversed() where !(sent.isState && sent.commit.tag == nil) {
            var again = sent
            again.wasTried = true
            pending.prepend(again)
        }
        if let failure = error as? TransportError, failure.code == .connection {
            await pause(.milliseconds(250))
        } else {
            logger.error("Storing results failed, trying again: \(error)")
            await pause(.seconds(1))
        }
        wantsCommit.raise()
    }

    /// Whether everything that follows from ended tasks has been committed.
    var isSettled: Bool {
        pending.isEmpty && pendingStates.isEmpty && commitsInFlightCount == 0 && chords.isEmpty
    }
}
