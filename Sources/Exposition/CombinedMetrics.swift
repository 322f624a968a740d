/// Several parts of one program that tell what they have to tell together.
public struct CombinedMetrics: MetricsSource {
    private let parts: [any MetricsSource]

    /// The numbers of these parts, in this order.
    public init(_ parts: [any MetricsSource]) { self.parts = parts }

    /// All numbers.
    public func metrics() async -> MetricsText {
        var text = MetricsText()
        for part in parts { text.append(await part.metrics()) }
        return text
    }

    /// Whether all of them are ready.
    public func isReady() async -> Bool {
        for part in parts where await !part.isReady() { return false }
        return true
    }

    /// Whether all of them have started.
    public func hasStarted() async -> Bool {
        for part in parts where await !part.hasStarted() { return false }
        return true
    }
}
