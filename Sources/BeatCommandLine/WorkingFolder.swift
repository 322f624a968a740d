import Glibc
import WorkerCommandLine

/// The folder that a program works in.
enum WorkingFolder {
    /// Makes a folder the process's own.
    static func enter(_ folder: String) throws {
        guard chdir(folder) == 0 else {
            throw Complaint("--workdir: \(folder): \(String(cString: strerror(errno)))", code: .usage)
        }
    }
}
