import Logging
import NIOCore
import WorkerPool

extension Worker {
    /// Grows and shrinks the default pool within the configured range, one process a second at most.
    func autoscaleLoop() async {
        guard let range = configuration.autoscale else { return }
        var autoscaling = Autoscaling(range, at: .now())
        while phase == .running {
            await wait(.seconds(1), or: wantsScale)
            guard phase == .running else { return }
            let state = pools[place(ofPool: configuration.defaultPool)]
            let inHand = state.reserved.count + state.dispatched
            let before = autoscaling.size
            // Remote control may have changed the range.
            let size =
                configuration.autoscale.flatMap { autoscaling.change($0) }
                ?? autoscaling.next(capacity: state.pool.capacity, inHand: inHand, at: .now())
            guard let size else { continue }
            logger.info("Scaling \(size > before ? "up" : "down") to \(size) processes")
            state.pool.resize(to: size)
            wantsClaim.raise()
        }
    }
}
