import Logging
import NIOCore
import Transport

extension Worker {
    /// A batch is never larger: beyond it Redis gains nothing, and other clients wait longer for their turn.
    static let batch = 64

    /// Claims whenever there is room and reason to, until the worker stops taking work.
    func consume() async {
        var fruitless = 0
        while phase == .running {
            guard connected, let request = claimRequest() else {
                // All room is promised to a claim on its way; what it leaves has to be offered again.
                if claimsInFlight > 0 { missedRoom = true }
                await wantsClaim.wait()
                continue
            }
            do {
                let result = try await claim(request)
                accept(result.deliveries)
                guard result.deliveries.isEmpty else {
                    fruitless = 0
                    continue
                }
                if result.mayHoldMore {
                    // Announced and gone to somebody else, or a server that announces nothing: look again, ever slower.
                    if fruitless > 0 { await pause(.milliseconds(min(200, 5 << min(fruitless, 6)))) }
                    fruitless += 1
                } else {
                    fruitless = 0
                    await wantsClaim.wait()
                }
            } catch {
                await claimFailed(error)
            }
        }
    }

    private func claim(_ request: ClaimRequest) async throws -> ClaimResult {
        promise(request, 1)
        defer {
            promise(request, -1)
            // A stop waits for claims on their way: what they bring still has to go back.
            if phase > .running { progressed.raise() }
            if missedRoom {
                missedRoom = false
                wantsClaim.raise()
            }
        }
        return try await broker.claim(request)
    }

    /// Sets room aside for a claim on its way, or gives it back: another claim may overlap with it.
    private func promise(_ request: ClaimRequest, _ sign: Int) {
        claimsInFlight += sign
        for (place, room) in request.rooms.enumerated() { pools[place].claiming += sign * min(room, request.limit) }
        for wanted in request.queues {
            guard let place = queues.firstIndex(where: { $0.policy.name == wanted.name }) else { continue }
            queues[place].claiming += sign * min(wanted.room, request.limit)
        }
    }

    /// What can be taken now; `nil` when nothing can.
    private func claimRequest() -> ClaimRequest? {
        let rooms = pools.map { $0.room(prefetchMultiplier: configuration.prefetchMultiplier) }
        let wanted = queues.filter { $0.room > 0 && rooms[$0.pool] > 0 }
            .map {
                ClaimRequest.Queue(
                    name: $0.policy.name,
                    room: min($0.room, Self.batch),
                    pool: $0.pool,
                    rank: $0.policy.rank
                )
            }
        guard !wanted.isEmpty else { return nil }
        let limit = min(Self.batch, rooms.reduce(0, +))
        return ClaimRequest(queues: wanted, rooms: rooms.map { min($0, Self.batch) }, limit: limit)
    }

    private func claimFailed(_ error: any Error) async {
        guard phase == .running else { return }
        if let failure = error as? TransportError, failure.code == .connection {
            // The notice of the new connection ends the wait; the pause bounds it should none come.
            await pause(.milliseconds(250))
        } else {
            logger.error("Claiming messages failed: \(error)")
            await pause(.seconds(1))
        }
    }

    /// Waits on the event loop's clock.
    func pause(_ time: TimeAmount) async {
        await withCheckedContinuation { continuation in
            _ = loop.scheduleTask(in: time) { continuation.resume() }
        }
    }
}
