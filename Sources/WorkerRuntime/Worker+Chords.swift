import CeleryMessage
import DequeModule
import Logging
import NIOCore
import Transport

/// Chords that this worker is to finish.
struct ChordDuties {
    /// Complete chords in the order in which they were completed.
    var claims: Deque<ChordClaim> = []
    /// How many are being read.
    var inHand = 0
    /// How many have failed, which is not to be known yet.
    var failing = 0

    var isEmpty: Bool { claims.isEmpty && inHand == 0 && failing == 0 }
}

extension Worker {
    /// Seconds after which a complete chord that nobody has finished is taken over.
    static let chordPatience: Duration = .seconds(10)
    /// How often it is looked for such chords.
    static let chordInterval = TimeAmount.seconds(15)
    /// How much earlier than its chord's failure a part's own can be read.
    ///
    /// A client that waits for a chord asks for the records of the parts and then for that of the body. If both were written
    /// between the two questions, it would raise the body's `ChordError`. With Celery, whose worker takes longer than
    /// a client between them, it raises what the part raised, and users catch that.
    static let chordFailureDelay = TimeAmount.milliseconds(50)

    /// Parts that this worker returned completed these chords.
    func completed(_ claims: [ChordClaim]) {
        chords.claims.append(contentsOf: claims)
        wantsChords.raise()
    }

    /// Finishes complete chords until the worker has stopped.
    ///
    /// What is known of a complete chord stays in Redis until its end has been committed, so nothing here has to survive
    /// this process: whatever is left undone is somebody's to take over, and of two who finish a chord only one does.
    func chordLoop() async {
        while true {
            guard let claim = chords.claims.popFirst() else {
                if phase == .stopped { return }
                await wantsChords.wait()
                continue
            }
            chords.inHand += 1
            do {
                try await finish(claim)
            } catch {
                logger.warning("Finishing the chord \(claim.groupID) failed, will be taken over: \(error)")
            }
            chords.inHand -= 1
            if phase > .running { progressed.raise() }
        }
    }

    private func finish(_ claim: ChordClaim) async throws {
        let serializer = configuration.results.serializer
        var results = ChordResults(try await broker.chordParts(of: claim), codecs: codecs, serializer: serializer)
        let missing = results.missing
        if !missing.isEmpty { results.add(try await broker.records(taskIDs: missing), codecs: codecs) }
        let ending = tracer.finish(claim, results, now: now())
        guard let failure = ending.failure else { return enqueue(ending.commit) }
        logger.error("\(failure)")
        chords.failing += 1
        _ = loop.scheduleTask(in: Self.chordFailureDelay) { [weak self] in
            guard let self else { return }
            self.assumeIsolated { worker in
                worker.chords.failing -= 1
                worker.enqueue(ending.commit)
                if worker.phase > .running { worker.progressed.raise() }
            }
        }
    }

    /// Takes over complete chords whose worker is gone, at the start and then now and again.
    func chordSweepLoop() async {
        while phase == .running {
            do {
                let claims = connected ? try await broker.overdueChords(age: Self.chordPatience) : []
                if !claims.isEmpty { logger.warning("Taking over \(claims.count) chord(s) that nobody has finished") }
                completed(claims)
            } catch {
                logger.debug("Looking for unfinished chords failed: \(error)")
            }
            await wait(Self.chordInterval, or: wantsChordSweep)
        }
    }
}
