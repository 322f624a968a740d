import Glibc

/// Reads a whole file, bounded, without Foundation, which would cost a worker milliseconds at its start.
enum FileBytes {
    /// Why a file was not read, in the operating system's words.
    struct Failure: Error, Equatable {
        let reason: String
    }

    /// The bytes of the file at `path`, which must not have more than `limit`.
    static func read(_ path: String, limit: Int) throws(Failure) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure() }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw failure() }
        guard status.st_mode & S_IFMT != S_IFDIR else { throw Failure(reason: "is a folder") }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw failure() }
            if count == 0 { return bytes }
            bytes += chunk[..<count]
            guard bytes.count <= limit else {
                throw Failure(reason: "is larger than \(limit >> 20) MiB")
            }
        }
    }

    /// Whether something stands at `path`, readable or not.
    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    private static func failure() -> Failure {
        Failure(reason: String(cString: strerror(errno)))
    }
}
