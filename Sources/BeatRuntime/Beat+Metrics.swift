public import Exposition
import Schedules

/// What one beat has done since it was started.
struct BeatCounts {
    var sent = 0
    var missed = 0
    var skipped = 0
    var errors = 0
    /// How much later than due the last slot was sent.
    var lag = Duration.zero
}

extension Beat: MetricsSource {
    /// What this process did; `status` tells what all beats of a schedule did, under the same names.
    public func metrics() -> MetricsText {
        var out = MetricsText()
        out.gauge(
            "celeriac_beat_up",
            "1 while it sends or watches, 0 while it cannot reach its store.",
            isReady() ? 1 : 0
        )
        out.gauge("celeriac_beat_entries", "Entries of the schedule.", timetable.entries.count)
        out.gauge(
            "celeriac_beat_holds_lease",
            "1 where it sends at once, 0 where it watches.",
            patience == .zero ? 1 : 0
        )
        out.counter("celeriac_beat_sent_total", "Slots sent.", counts.sent)
        out.counter("celeriac_beat_missed_total", "Slots that passed without being sent.", counts.missed)
        out.counter(
            "celeriac_beat_skipped_total",
            "Slots left out because the last run was unfinished.",
            counts.skipped
        )
        out.counter(
            "celeriac_beat_errors_total",
            "Times that the store was not reached or a queue took no message.",
            counts.errors
        )
        out.gauge(
            "celeriac_beat_lag_seconds",
            "By how much later than due the last slot was sent.",
            counts.lag / .seconds(1)
        )
        out.gauge("celeriac_beat_tick_age_seconds", "Seconds since it last came round.", pulse.age / .seconds(1))
        return out
    }

    /// Whether its store answers and knows its entries, and it comes round.
    public func isReady() -> Bool { isAdopted && failures == 0 && !isStopping && pulse.age < .seconds(10) }

    /// Whether its entries were known to the store once.
    public func hasStarted() -> Bool { isAdopted }
}
