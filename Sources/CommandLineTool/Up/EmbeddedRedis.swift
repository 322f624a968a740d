import FoundationEssentials
import Glibc
import WorkerCommandLine
import WorkerPool

/// A private `redis-server` with append-only persistence, reachable on the loopback only, that ends with its owner.
final class EmbeddedRedis: Sendable {
    /// Where it listens.
    let url: String
    private let pid: pid_t
    private let lifeline: Int32

    /// Starts the server in `folder` on `port`, or on a free port when that is taken.
    ///
    /// The server's parent is a small shell that waits on a pipe from this process: however this process ends, also by
    /// SIGKILL, the pipe closes and the shell ends the server.
    init(folder: String, port wanted: UInt16) throws {
        let program = try Self.program()
        let port = try Self.freePort(wanted)
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        } catch {
            throw Complaint("The folder of the private Redis \(folder) cannot be made: \(error.fileReason)")
        }
        var ends: [Int32] = [0, 0]
        let piped = pipe(&ends)
        guard piped == 0 else { throw Complaint("No pipe: \(String(cString: strerror(errno)))") }
        // The shell alone may hold the reading end; whatever else this process starts must not hold the writing end.
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        let server = [
            program, "--port", "\(port)", "--bind", "127.0.0.1", "--dir", folder, "--appendonly", "yes", "--save", "",
            "--logfile", folder + "/redis.log", "--daemonize", "no", "--maxmemory-policy", "noeviction",
        ]
        let script = #"cd "$1" || exit 1; shift; "$@" & server=$!; read -r _; kill -TERM "$server"; wait "$server""#
        // Its group is its own: Ctrl-C in the terminal must not end Redis before the worker has put its messages back.
        var start = ProcessStart(
            executable: "/bin/sh",
            words: ["/bin/sh", "-c", script, "celeriac-redis", folder] + server
        )
        start.standardInput = ends[0]
        defer { close(ends[0]) }
        do {
            pid = try start.run()
        } catch {
            close(ends[1])
            throw Complaint("redis-server does not start: \(error.message)")
        }
        lifeline = ends[1]
        url = "redis://127.0.0.1:\(port)/0"
    }

    /// Ends the server and waits until it has written everything.
    func stop() {
        close(lifeline)
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0, errno == EINTR {}
    }

    private static func program() throws -> String {
        let path = Environment.all["PATH"] ?? "/usr/local/bin:/usr/bin:/bin"
        for folder in path.split(separator: ":").map(String.init) + ["/usr/bin", "/usr/local/bin"] {
            let candidate = folder + "/redis-server"
            if access(candidate, X_OK) == 0 { return candidate }
        }
        throw Complaint(
            "redis-server is not installed (apt-get install redis-server); or name a server with -b redis://…"
        )
    }

    private static func freePort(_ wanted: UInt16) throws -> UInt16 {
        if let port = try? bound(wanted) { return port }  // taken: any free one serves
        return try bound(0)
    }

    private static func bound(_ port: UInt16) throws -> UInt16 {
        let socket = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(socket) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var reuse: Int32 = 1
        setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &reuse, socklen_t(MemoryLayout<Int32>.size))
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic -> Int32 in
                guard bind(socket, generic, length) == 0 else { return -1 }
                return getsockname(socket, generic, &length)
            }
        }
        guard result == 0 else { throw Complaint("No free port on the loopback: \(String(cString: strerror(errno)))") }
        return UInt16(bigEndian: address.sin_port)
    }
}
