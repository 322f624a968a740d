import Logging
import NIOCore
import WorkerPool

extension Worker {
    /// Grows and shrinks the default pool within the configured range, one process a second at most.
    ///
    /// It grows while every process has work and shrinks after a process has been to spare for the time Celery calls
    /// `AUTOSCALE_KEEPALIVE` (`celery/worker/autoscale.py`).
    func autoscaleLoop() async {
        guard let range = configuration.autoscale else { return }
        var idleSince = NIODeadline.now()
        while phase == .running {
            await wait(.seconds(1), or: wantsScale)
            guard phase == .running else { return }
            let state = pools[place(ofPool: configuration.defaultPool)]
            let capacity = state.pool.capacity
            let inHand = state.reserved.count + state.dispatched
            if inHand >= capacity {
                idleSince = .now()
                if capacity < range.maximum { scale(state.pool, to: capacity + 1) }
            } else if capacity > max(1, range.minimum), .now() - idleSince > .seconds(Int64(range.keepAlive)) {
                idleSince = .now()
                scale(state.pool, to: capacity - 1)
            }
        }
    }

    private func scale(_ pool: any TaskPool, to processes: Int) {
        logger.info("Scaling \(processes > pool.capacity ? "up" : "down") to \(processes) processes")
        pool.resize(to: processes)
        wantsClaim.raise()
    }
}
