/// How long runs of each task take, learned from the runs that ended; decides how much may be queued ahead.
struct RunTimeEstimates {
    /// What is known of one task's runs.
    final class Estimate {
        /// The expected run time in seconds.
        private(set) var seconds = 0.0
        /// How many runs were measured, up to a bound.
        private(set) var samples = 0

        /// How many runs may be queued ahead by the number of measurements: none at first, then quickly more.
        var confidence: Int { samples == 0 ? 0 : min(RunTimeEstimates.mostAhead, 1 << min(samples, 6)) }

        /// Learns from a run.
        ///
        /// Longer runs count more than shorter ones: queueing behind a long run costs others time,
        /// queueing too little only costs some throughput.
        func learn(_ measured: Double) {
            if samples == 0 {
                seconds = measured
            } else {
                seconds += (measured - seconds) * (measured > seconds ? 0.5 : 0.125)
            }
            if samples < 1000 { samples += 1 }
        }
    }

    /// The most runs that are queued in a process beyond what it runs.
    static let mostAhead = 64
    private static let mostNames = 10_000

    private var byName: [String: Estimate] = [:]

    /// The runs of all tasks together, which tells how much the pool may ask for.
    let all = Estimate()

    /// What is known of a task.
    subscript(task: String) -> Estimate {
        mutating get {
            if let known = byName[task] { return known }
            // Names come from the configuration, so this bound is never met; without it a fault elsewhere could leak.
            if byName.count >= Self.mostNames { byName = [:] }
            let new = Estimate()
            byName[task] = new
            return new
        }
    }
}
