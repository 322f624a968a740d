import Exposition
import MetricsServer

/// What the worker's command line says, as values.
package struct WorkerOptions {
    var hostname: String?
    var queues: [String] = []
    var excludedQueues: Set<String> = []
    var concurrency: Int?
    var pool: String?
    var autoscale: (maximum: Int, minimum: Int)?
    var maxTasksPerChild: Int?
    var maxMemoryPerChild: Int?
    var timeLimit: Double?
    var softTimeLimit: Double?
    var prefetchMultiplier: Int?
    var disablePrefetch = false
    var taskEvents = false
    var withoutGossip = false
    var withoutMingle = false
    var withoutHeartbeat = false
    var heartbeatInterval: Double?
    /// Where metrics are served; `nil` for nowhere.
    var metrics: MetricsAddress?
    /// Whose names they are told by.
    var metricsFamilies = MetricsFamilies.usual

    package init() {}
}
