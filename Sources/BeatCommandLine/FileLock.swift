import Glibc
import WorkerCommandLine

/// A file that one process holds at a time; however the process ends, the system releases it.
final class FileLock: Sendable {
    private let descriptor: Int32

    /// Takes the lock, or complains with code 73 that somebody else has it.
    init(_ path: String) throws {
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else {
            throw Complaint("The lock file \(path): \(String(cString: strerror(errno)))", code: .cannotCreate)
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let taken = errno == EWOULDBLOCK
            let reason = String(cString: strerror(errno))
            close(descriptor)
            throw Complaint(
                taken ? "Another beat runs this schedule: it holds \(path)." : "The lock file \(path): \(reason)",
                code: .cannotCreate
            )
        }
    }

    deinit { close(descriptor) }
}
