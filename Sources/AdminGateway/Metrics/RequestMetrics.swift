import Exposition
import Synchronization

/// Counts requests and their times by route, method and status.
///
/// A route is one of those that were added, so labels are bounded; everything else is counted as `none`.
final class RequestMetrics: Sendable {
    private struct Series: Hashable {
        var route: String
        var method: String
        var status: Int
    }

    private struct State {
        var counts: [Series: Int] = [:]
        var times: [String: Histogram] = [:]
    }

    /// Seconds up to which a request counts into a bucket.
    private static let bounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5]
    private static let methods: Set<String> = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"]

    private let state = Mutex(State())

    /// Counts one request, up to the head of its answer.
    func count(route: String?, method: String, status: Int, seconds: Double) {
        let route = route.flatMap { $0.hasPrefix("/") ? $0 : nil } ?? "none"
        // Anybody may make up methods.
        let series = Series(route: route, method: Self.methods.contains(method) ? method : "other", status: status)
        state.withLock { state in
            state.counts[series, default: 0] += 1
            state.times[route, default: Histogram(bounds: Self.bounds)].observe(seconds)
        }
    }

    func write(to out: inout MetricsText) {
        let state = state.withLock { $0 }
        let requests = "celeriac_gateway_requests_total"
        out.family(requests, .counter, "Requests answered, by route.")
        for (series, count) in state.counts.sorted(by: { "\($0.key)" < "\($1.key)" }) {
            let labels = [("route", series.route), ("method", series.method), ("status", String(series.status))]
            out.sample(requests, labels, Double(count))
        }
        let times = "celeriac_gateway_request_seconds"
        out.family(times, .histogram, "Seconds until an answer began, long polls included, by route.")
        for (route, time) in state.times.sorted(by: { $0.key < $1.key }) {
            out.histogram(times, [("route", route)], time)
        }
    }
}
