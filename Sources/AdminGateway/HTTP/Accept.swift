/// What a client would like to get, by its `Accept`.
struct Accept: Sendable {
    private let qualities: [String: Double]

    /// Reads a header; what is not well formed in it is left out.
    init(_ header: String?) {
        var qualities: [String: Double] = [:]
        for part in (header ?? "").split(separator: ",").prefix(50) {
            let pieces = part.split(separator: ";").map { $0.filter { !$0.isWhitespace }.lowercased() }
            guard let type = pieces.first, type.contains("/") else { continue }
            let quality = pieces.dropFirst().first { $0.hasPrefix("q=") }.map { Double($0.dropFirst(2)) ?? 0 } ?? 1
            qualities[type] = max(quality, qualities[type] ?? 0)
        }
        self.qualities = qualities
    }

    /// Whether pages are named, and nothing of a program's before them: who takes anything gets JSON.
    var prefersPages: Bool {
        let pages = max(quality("text/html"), quality("application/xhtml+xml"))
        return pages > 0 && pages >= quality("application/json")
    }

    private func quality(_ type: String) -> Double { qualities[type] ?? 0 }
}
