/// One thing that is wrong, or looks wrong, in a configuration.
///
/// Messages name keys and what was expected; values that may be secret (URLs, handler options, whatever came from `${NAME}`) are
/// never repeated.
public struct ConfigurationProblem: Sendable, Hashable, CustomStringConvertible {
    /// How bad it is.
    public enum Severity: String, Sendable, Hashable, Comparable {
        /// Nothing may be started.
        case error
        /// Works, but probably not as meant.
        case warning
        /// Worth knowing.
        case note

        /// Errors before warnings before notes.
        public static func < (left: Severity, right: Severity) -> Bool { left.rank < right.rank }

        private var rank: Int {
            switch self {
            case .error: 0
            case .warning: 1
            case .note: 2
            }
        }
    }

    /// How bad it is.
    public let severity: Severity
    /// Where it stands.
    public let place: SourcePlace
    /// The keys from the outermost, for example `["queues", "pdf", "tier"]`; empty when no key is meant.
    public let key: [String]
    /// What is wrong and what was expected.
    public let message: String
    /// The known name nearest to what was written.
    public let suggestion: String?

    /// Describes one problem.
    public init(
        _ severity: Severity,
        at place: SourcePlace,
        key: [String],
        _ message: String,
        suggestion: String? = nil
    ) {
        self.severity = severity
        self.place = place
        self.key = key
        self.message = message
        self.suggestion = suggestion
    }

    /// `tasks.yaml:3:5: error: queues.pdf.teir: unknown key; did you mean 'tier'?`.
    public var description: String {
        let name = key.isEmpty ? "" : Self.joined(key) + ": "
        let hint = suggestion.map { "; did you mean '\($0)'?" } ?? ""
        return Self.printable("\(place): \(severity.rawValue): \(name)\(message)\(hint)")
    }

    /// The keys as one name: parts that contain dots stand in brackets, as task names do.
    static func joined(_ key: [String]) -> String {
        var name = ""
        for part in key {
            if part.contains(".") || part.contains(" ") {
                name += "[\(part)]"
            } else {
                name += (name.isEmpty ? "" : ".") + part
            }
        }
        return name
    }

    /// Control characters of a file must not reach a terminal.
    private static func printable(_ text: String) -> String {
        var clean = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            clean.append(scalar.value < 0x20 || (0x7F..<0xA0).contains(scalar.value) ? "\u{FFFD}" : scalar)
        }
        return String(clean)
    }
}
