import CSpawn
import Glibc

/// A program to start, always by `posix_spawn`: a forked copy of a process with threads is not safe to run.
///
/// The new process has its signals unblocked and at their defaults, leads a process group of its own, and has nothing
/// open but its standard streams and what is named here.
public struct ProcessStart: Sendable {
    /// The file to run.
    public var executable: String
    /// Its words, the first being its own name.
    public var words: [String]
    /// Its whole environment; `nil` is the caller's.
    public var environment: [String: String]?
    /// Its standard input; `nil` is `/dev/null`.
    public var standardInput: Int32?
    /// A file that its output and errors are appended to; `nil` leaves it the caller's.
    public var outputFile: String?
    /// What it finds as descriptors 3, 4 and so on, at most four.
    ///
    /// They stay the caller's to close.
    public var descriptors: [Int32] = []
    /// Whether it leads a session of its own too, out of the terminal's reach.
    public var leadsSession = false

    /// Describes a program that has the caller's environment and output, and no input.
    public init(executable: String, words: [String]) {
        self.executable = executable
        self.words = words
    }

    /// Starts the program; the caller collects its status.
    ///
    /// - Throws: ``PoolError`` of code `spawn` with the system's reason.
    public func run() throws(PoolError) -> Int32 {
        var process: pid_t = 0
        let failed = Self.withCStrings(words) { words in
            guard let environment else { return spawn(&process, words, nil) }
            return Self.withCStrings(environment.map { "\($0.key)=\($0.value)" }.sorted()) { variables in
                spawn(&process, words, variables)
            }
        }
        guard failed == 0 else {
            throw PoolError(code: .spawn, message: "cannot start \(executable): \(String(cString: strerror(failed)))")
        }
        return process
    }

    private typealias CStrings = UnsafePointer<UnsafeMutablePointer<CChar>?>

    private func spawn(_ process: inout pid_t, _ words: CStrings, _ variables: CStrings?) -> Int32 {
        executable.withCString { path in
            Self.withOptionalCString(outputFile) { output in
                descriptors.withUnsafeBufferPointer { descriptors in
                    var start = celeriac_start(
                        path: path,
                        arguments: words,
                        environment: variables,
                        input: standardInput ?? -1,
                        output: output,
                        descriptors: descriptors.baseAddress,
                        descriptor_count: Int32(clamping: descriptors.count),
                        leads_session: leadsSession
                    )
                    return celeriac_spawn(&process, &start)
                }
            }
        }
    }

    private static func withOptionalCString<Result>(
        _ text: String?,
        _ body: (UnsafePointer<CChar>?) -> Result
    ) -> Result {
        guard let text else { return body(nil) }
        return text.withCString { body($0) }
    }

    /// Calls `body` with the strings as C's null-terminated list of strings.
    private static func withCStrings<Result>(_ strings: [String], _ body: (CStrings) -> Result) -> Result {
        var copies: [UnsafeMutablePointer<CChar>?] = strings.map { strdup($0) }
        defer { for copy in copies { free(copy) } }
        copies.append(nil)
        return copies.withUnsafeBufferPointer { list in
            guard let first = list.baseAddress else { preconditionFailure("the list has its end") }
            return body(first)
        }
    }
}
