package import Exposition
import Synchronization

/// Counts what became of alerts, by hook.
package final class AlertCounter: Sendable {
    /// What became of an alert.
    package enum Outcome: String, Sendable, CaseIterable {
        /// The other side took it.
        case told
        /// It did not, and will be asked again.
        case failed
        /// It never will.
        case refused
    }

    private struct Series: Hashable {
        var hook: String
        var outcome: Outcome
    }

    private let state: Mutex<[Series: Int]>

    /// Nothing counted yet, for these hooks.
    package init(hooks: [String]) {
        state = Mutex([:])
        add(hooks)
    }

    /// Begins to count for more hooks; what was counted for one that is known stays.
    package func add(_ hooks: [String]) {
        let series = hooks.flatMap { hook in Outcome.allCases.map { (Series(hook: hook, outcome: $0), 0) } }
        state.withLock { $0.merge(series) { counted, _ in counted } }
    }

    /// Counts one.
    package func count(_ outcome: Outcome, of hook: String) {
        state.withLock { $0[Series(hook: hook, outcome: outcome), default: 0] += 1 }
    }

    /// How many there were.
    package func count(of hook: String, _ outcome: Outcome) -> Int {
        state.withLock { $0[Series(hook: hook, outcome: outcome)] ?? 0 }
    }

    /// Writes the family.
    package func write(to out: inout MetricsText) {
        let name = "celeriac_alerts_total"
        out.family(name, .counter, "Alerts on dead letters, by hook and by what became of them.")
        for (series, count) in state.withLock({ $0 }).sorted(by: { "\($0.key)" < "\($1.key)" }) {
            out.sample(name, [("hook", series.hook), ("outcome", series.outcome.rawValue)], Double(count))
        }
    }
}
