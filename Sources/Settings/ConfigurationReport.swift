/// Everything that was found while reading a configuration.
public struct ConfigurationReport: Sendable, Hashable, CustomStringConvertible {
    /// What a program exits with when its configuration has errors.
    public static let exitCode: Int32 = 2

    /// The problems in the order of their places.
    public private(set) var problems: [ConfigurationProblem] = []

    /// Makes a report of these problems.
    public init(_ problems: [ConfigurationProblem] = []) { add(problems) }

    /// Whether something is wrong enough that nothing may start.
    public var hasErrors: Bool { problems.contains { $0.severity == .error } }

    /// Adds problems that others found, such as handlers in their options.
    public mutating func add(_ more: some Sequence<ConfigurationProblem>) {
        var seen = Set(problems)
        problems += more.filter { seen.insert($0).inserted }
        problems.sort { ($0.place, $0.severity, $0.message) < ($1.place, $1.severity, $1.message) }
    }

    /// One line for each problem, as compilers write them.
    public var lines: [String] { problems.map(\.description) }

    /// The problems one to a line, and a last line that counts them; empty when there are none.
    public var description: String {
        guard !problems.isEmpty else { return "" }
        return (lines + [summary]).joined(separator: "\n") + "\n"
    }

    /// `2 errors and 1 warning; nothing was started`, or an empty text when there is neither.
    public var summary: String {
        let errors = problems.count { $0.severity == .error }
        let warnings = problems.count { $0.severity == .warning }
        let parts = [Self.counted(errors, "error"), Self.counted(warnings, "warning")].compactMap { $0 }
        return parts.joined(separator: " and ") + (errors > 0 ? "; nothing was started" : "")
    }

    private static func counted(_ number: Int, _ word: String) -> String? {
        number == 0 ? nil : "\(number) \(word)\(number == 1 ? "" : "s")"
    }
}
