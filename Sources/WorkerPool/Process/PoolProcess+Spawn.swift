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
        guard failed == 0 else {
            throw PoolError(code: .spawn, message: "no socket pair: \(String(cString: strerror(failed)))")
        }
        defer { close(ends[1]) }
        let (board, descriptor): (StartBoard, Int32)
        do {
            (board, descriptor) = try StartBoard.make()
        } catch {
            close(ends[0])
            throw error
        }
        defer { close(descriptor) }

        var start = ProcessStart(
            executable: executable,
            words: [CommandLine.arguments.first ?? executable] + arguments
        )
        start.environment = environment
        // The runtime's backtracer holds a crashed process for a second before its death shows.
        start.environment?["SWIFT_BACKTRACE"] = "enable=no"
        start.descriptors = [ends[1], descriptor]
        let processID: pid_t
        do {
            processID = try start.run()
        } catch {
            close(ends[0])
            throw error
        }
        let process = PoolProcess(
            name: name,
            processID: processID,
            board: board,
            startedAt: Instant.now().seconds
        )
        return (process, ends[0])
    }
}
