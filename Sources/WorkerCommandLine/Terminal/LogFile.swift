import Glibc
import Synchronization

/// Where log lines go: standard error, or a file that can be opened anew after it was rotated away.
package final class LogFile: Sendable {
    private let path: String?
    private let descriptor: Mutex<Int32>

    /// Opens the file, or standard error without one.
    package init(path: String?) throws {
        self.path = path
        descriptor = Mutex(2)
        try reopen()
    }

    /// Opens the path again; what was open is closed.
    package func reopen() throws {
        guard let path else { return }
        let fresh = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        guard fresh >= 0 else {
            throw Complaint(
                "The log file \(path) cannot be opened: \(String(cString: strerror(errno)))",
                code: .cannotCreate
            )
        }
        descriptor.withLock { old in
            if old > 2 { close(old) }
            old = fresh
        }
    }

    /// Writes one line in one call, so that lines of several processes do not mix.
    func write(_ line: String) {
        descriptor.withLock { Terminal.write(line + "\n", to: $0) }
    }
}
