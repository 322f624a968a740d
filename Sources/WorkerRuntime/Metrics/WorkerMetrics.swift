import Exposition

/// What a worker has counted since its start, for Prometheus; kept only where somebody asks for it.
struct WorkerMetrics: Sendable {
    /// A kind of work.
    struct Series: Hashable {
        var task: String
        var queue: String
    }

    /// What happened to the tasks of a series.
    struct Counts {
        var received = 0
        var started = 0
        var succeeded = 0
        /// By the exception's class.
        var failed: [String: Int] = [:]
        var retried = 0
        var rejected = 0
        var revoked = 0
        var stalled = 0
        /// Seconds that runs took.
        var runtime = Histogram()
        /// Seconds that the task which began last had waited in the worker's hands.
        var prefetchTime: Double?
    }

    /// Series that are told apart.
    ///
    /// Names come with messages, so anybody could make up more; those are counted as `other`.
    static let mostSeries = 500
    /// Exceptions that are told apart in a series.
    static let mostExceptions = 50
    static let other = Series(task: "other", queue: "other")

    /// Whose names are told.
    let families: MetricsFamilies
    private(set) var series: [Series: Counts] = [:]
    /// Messages that came once more after another worker held them.
    var redelivered = 0
    /// Messages that were revoked or had expired before they began.
    var revokedBeforeStart = 0
    /// Messages that were parked: until their ETA, for another try, for their tenant's plan.
    var parked: [String: Int] = [:]
    /// Times a lease was renewed, by message.
    var leasesRenewed = 0
    /// Leases that another worker took over while the task ran.
    var leasesLost = 0
    /// Messages taken back from workers that were gone.
    var takenBack = 0
    /// Connections to the broker that were lost.
    var disconnections = 0
    /// The longest time, in seconds, by which the loop came late since this was read last.
    var loopLag = 0.0

    init(families: MetricsFamilies = .usual) { self.families = families }

    /// Remembers the longest lag.
    mutating func noteLag(_ seconds: Double) { loopLag = max(loopLag, seconds) }

    /// Changes the counts of a series.
    mutating func count(_ task: String, queue: String, _ change: (inout Counts) -> Void) {
        var key = Series(task: task, queue: queue)
        if series[key] == nil, series.count >= Self.mostSeries { key = Self.other }
        change(&series[key, default: Counts()])
    }
}

extension WorkerMetrics.Counts {
    /// Counts a failure by its class.
    mutating func fail(_ exception: String) {
        let isKnown = failed[exception] != nil || failed.count < WorkerMetrics.mostExceptions
        failed[isKnown ? exception : "other", default: 0] += 1
    }
}
