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

    var isEmpty: Bool { claims.isEmpty && inHand == 0 }
}

extension Worker {
    /// Seconds after which a complete chord that nobody has finished is taken over.
    static let chordPatience: Duration = .seconds(10)
    /// How often it is looked for such chords.
    static let chordInterval = TimeAmount.seconds(15)

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
        if let failure = ending.failure { logger.error("\(failure)") }
        enqueue(ending.commit)
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
