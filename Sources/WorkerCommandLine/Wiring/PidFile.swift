import FoundationEssentials
import Glibc

/// A file with the process id, so that the same worker is not started twice.
package struct PidFile {
    private let path: String

    /// Writes the file; a process that still runs under the id in it ends this one with code 73.
    package init(_ path: String) throws {
        self.path = path
        if let text = try? String(contentsOfFile: path, encoding: .utf8),  // no file is the usual case
            let pid = Int32(text.trimmingWhitespace), pid > 0, pid != getpid(), kill(pid, 0) == 0 || errno == EPERM
        {
            throw Complaint(
                "ERROR: Pidfile (\(path)) already exists.\nSeems we're already running? (pid: \(pid))",
                code: .cannotCreate
            )
        }
        do {
            try Data("\(getpid())\n".utf8).write(to: URL(filePath: path), options: .atomic)
        } catch {
            throw Complaint("The pid file \(path) cannot be written: \(error.fileReason)", code: .cannotCreate)
        }
    }

    /// Removes the file, if it is still this process's.
    package func remove() {
        guard let text = try? String(contentsOfFile: path, encoding: .utf8),  // gone already is as good
            Int32(text.trimmingWhitespace) == getpid()
        else { return }
        unlink(path)
    }
}

extension String {
    fileprivate var trimmingWhitespace: String { String(drop(while: \.isWhitespace).prefix { !$0.isWhitespace }) }
}
