import CSpawn
import CeleryMessage
import Glibc

extension PoolProcess {
    /// Starts a process and returns it with the controller's end of its socket.
    ///
    /// - Throws: ``PoolError`` of code `spawn` with the system's reason.
    static func spawn(
        name: String,
        executable: String,
        arguments: [String],
        environment: [String: String]
    ) throws(PoolError) -> (process: PoolProcess, socket: Int32) {
        var ends: [Int32] = [-1, -1]
        let failed = celeriac_socket_pair(&ends)
        guard failed == 0 else { throw Self.error("no socket pair", failed) }
        defer { close(ends[1]) }
        let (board, descriptor): (StartBoard, Int32)
        do {
            (board, descriptor) = try StartBoard.make()
        } catch {
            close(ends[0])
            throw error
        }
        defer { close(descriptor) }

        var environment = environment
        // The runtime's backtracer holds a crashed process for a second before its death shows.
        environment["SWIFT_BACKTRACE"] = "enable=no"
        let variables = environment.map { "\($0.key)=\($0.value)" }.sorted()
        var processID: pid_t = 0
        let refused = withCStrings([CommandLine.arguments.first ?? executable] + arguments) { argv in
            withCStrings(variables) { envp in
                celeriac_spawn(&processID, executable, argv, envp, ends[1], descriptor)
            }
        }
        guard refused == 0 else {
            close(ends[0])
            throw Self.error("cannot start \(executable)", refused)
        }
        let process = PoolProcess(
            name: name,
            processID: processID,
            board: board,
            startedAt: Instant.now().seconds
        )
        return (process, ends[0])
    }

    private static func error(_ what: String, _ code: Int32) -> PoolError {
        PoolError(code: .spawn, message: "\(what): \(String(cString: strerror(code)))")
    }

    /// Calls `body` with the strings as C's null-terminated list of strings.
    private static func withCStrings<Result>(
        _ strings: [String],
        _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
    ) -> Result {
        var copies: [UnsafeMutablePointer<CChar>?] = strings.map { strdup($0) }
        defer { for copy in copies { free(copy) } }
        copies.append(nil)
        return body(copies)
    }
}
