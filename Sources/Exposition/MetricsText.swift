/// Writes metrics in Prometheus' text format, version 0.0.4.
///
/// Mirrors https://prometheus.io/docs/instrumenting/exposition_formats/: a family's samples follow right after it.
public struct MetricsText: Sendable {
    /// How a family's numbers are to be read.
    public enum Kind: String, Sendable {
        case counter, gauge, histogram
    }

    /// The `Content-Type` of the text.
    public static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    /// What has been written.
    public private(set) var text = ""

    /// A text without families.
    public init() {}

    /// Adds the families of another part of the program, which must have names of their own.
    public mutating func append(_ other: MetricsText) { text += other.text }

    /// Begins a family: what follows are its samples.
    public mutating func family(_ name: String, _ kind: Kind, _ help: String) {
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(kind.rawValue)\n"
    }

    /// Writes one number; labels' values may be any text.
    public mutating func sample(_ name: String, _ labels: [(String, String)] = [], _ value: Double) {
        text += name
        if !labels.isEmpty {
            text += "{" + labels.map { "\($0)=\"\(Self.escaped($1))\"" }.joined(separator: ",") + "}"
        }
        text += " " + Self.number(value) + "\n"
    }

    /// A family of one sample.
    public mutating func gauge(_ name: String, _ help: String, _ value: Double) {
        family(name, .gauge, help)
        sample(name, [], value)
    }

    /// A family of one sample.
    public mutating func gauge(_ name: String, _ help: String, _ value: Int) { gauge(name, help, Double(value)) }

    /// A family of one sample that only grows; its name ends in `_total`.
    public mutating func counter(_ name: String, _ help: String, _ value: Int) {
        family(name, .counter, help)
        sample(name, [], Double(value))
    }

    /// The samples of one series of a family of histograms.
    public mutating func histogram(_ name: String, _ labels: [(String, String)], _ histogram: Histogram) {
        for (bound, count) in histogram.cumulative {
            sample(name + "_bucket", labels + [("le", bound.map(Self.number) ?? "+Inf")], Double(count))
        }
        sample(name + "_sum", labels, histogram.sum)
        sample(name + "_count", labels, Double(histogram.count))
    }

    private static func number(_ value: Double) -> String {
        if let whole = Int64(exactly: value) { return String(whole) }
        if value.isNaN { return "NaN" }
        return value.isInfinite ? (value < 0 ? "-Inf" : "+Inf") : "\(value)"
    }

    private static func escaped(_ value: String) -> String {
        value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
    }
}
