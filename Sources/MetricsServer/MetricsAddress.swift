/// Where metrics are served: `9808`, `:9808`, `0.0.0.0:9808`, `[::]:9808`.
///
/// Without a host it is the loopback address: numbers tell a lot about a deployment, and nobody has to log in for them.
public struct MetricsAddress: Sendable, Hashable {
    /// A name or address.
    public var host: String
    /// 0 takes any that is free.
    public var port: Int

    /// An address.
    public init(host: String = "127.0.0.1", port: Int) {
        self.host = host
        self.port = port
    }

    /// Reads `host:port`; `nil` for anything else.
    public init?(_ text: String) {
        let colon = text.lastIndex(of: ":")
        let digits = colon.map { text[text.index(after: $0)...] } ?? text[...]
        var host = colon.map { String(text[..<$0]) } ?? ""
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        guard digits.allSatisfy({ $0.isASCII && $0.isNumber }), let port = Int(digits), port <= 65_535,
            colon == nil || !host.contains(":") || text.hasPrefix("["), !host.contains(where: \.isWhitespace)
        else { return nil }
        self.init(host: host.isEmpty ? "127.0.0.1" : host, port: port)
    }
}
