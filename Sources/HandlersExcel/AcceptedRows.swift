import CeleryMessage
import Glibc

/// Writes accepted rows as JSON lines beside their final place, and moves them there whole or not at all.
///
/// Not thread-safe: one run owns it. What was not finished is removed again.
final class AcceptedRows {
    /// The folder cannot be written to, or the rows take more room than allowed.
    struct WriteError: Error, Equatable {
        var message: String
    }

    /// Where the rows are after ``finish()``.
    let path: String
    private let temporary: String
    private let limit: Int
    private var descriptor: Int32
    private var buffer: [UInt8] = []
    private var written = 0
    private static let flushBytes = 256 << 10

    /// Starts `<name>.jsonl` in `folder`, which is made when it is missing.
    ///
    /// - Parameter limit: bytes the file may have.
    init(folder: String, name: String, limit: Int) throws {
        path = folder + "/" + name + ".jsonl"
        temporary = folder + "/." + name + "." + Identifier.uuid() + ".part"
        self.limit = limit
        if mkdir(folder, 0o750) != 0, errno != EEXIST {
            throw WriteError(message: "cannot make the folder for accepted rows: \(String(cString: strerror(errno)))")
        }
        descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o640)
        guard descriptor >= 0 else {
            throw WriteError(message: "cannot write accepted rows: \(String(cString: strerror(errno)))")
        }
    }

    deinit {
        guard descriptor >= 0 else { return }
        close(descriptor)
        unlink(temporary)
    }

    /// Adds a row.
    func append(_ row: JSONObject) throws {
        JSONWriter.write(.object(row), into: &buffer)
        buffer.append(UInt8(ascii: "\n"))
        if buffer.count >= Self.flushBytes { try flush() }
    }

    /// Brings everything to the disk and gives the file its name, replacing one of an earlier run of the same task.
    func finish() throws {
        try flush()
        guard fsync(descriptor) == 0, rename(temporary, path) == 0 else { throw failure }
        close(descriptor)
        descriptor = -1
    }

    private func flush() throws {
        written += buffer.count
        guard written <= limit else { throw WriteError(message: "the accepted rows take more than \(limit) bytes") }
        var sent = 0
        while sent < buffer.count {
            let count = buffer[sent...].withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 || errno == EINTR else { throw failure }
            sent += max(0, count)
        }
        buffer.removeAll(keepingCapacity: true)
    }

    private var failure: WriteError {
        WriteError(message: "cannot write accepted rows: \(String(cString: strerror(errno)))")
    }
}
