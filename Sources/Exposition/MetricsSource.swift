/// A part of a program that has something to tell Prometheus and those who watch over processes.
public protocol MetricsSource: Sendable {
    /// The present numbers.
    func metrics() async -> MetricsText

    /// Whether it can do its work now: it has started, and the servers that it needs are there.
    func isReady() async -> Bool

    /// Whether it has been ready once.
    func hasStarted() async -> Bool
}
