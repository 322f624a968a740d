/// Where a configuration value comes from.
public enum SourcePlace: Sendable, Hashable, CustomStringConvertible {
    /// A place in a file; line and column count from 1, and are 0 when the file as a whole is meant.
    case file(path: String, line: Int, column: Int)
    /// An environment variable.
    case environment(name: String)
    /// An option or a trailing `key=value` of the command line.
    case commandLine(option: String)

    /// `tasks.yaml:3:5`, `environment variable CELERY_BROKER_URL` or `command line --broker`.
    public var description: String {
        switch self {
        case .file(let path, 0, _): path
        case .file(let path, let line, let column): "\(path):\(line):\(column)"
        case .environment(let name): "environment variable \(name)"
        case .commandLine(let option): "command line \(option)"
        }
    }

    /// The line in the file, or `nil` for anything else.
    public var line: Int? { if case .file(_, let line, _) = self, line > 0 { line } else { nil } }
    /// The column in the file, or `nil` for anything else.
    public var column: Int? { if case .file(_, let line, let column) = self, line > 0 { column } else { nil } }
}

extension SourcePlace: Comparable {
    /// Orders by file, line and column, then environment, then command line.
    public static func < (left: SourcePlace, right: SourcePlace) -> Bool { left.order < right.order }

    private var order: (Int, String, Int, Int) {
        switch self {
        case .file(let path, let line, let column): (0, path, line, column)
        case .environment(let name): (1, name, 0, 0)
        case .commandLine(let option): (2, option, 0, 0)
        }
    }
}
