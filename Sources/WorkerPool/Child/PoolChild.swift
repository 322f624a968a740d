import CSpawn
public import CeleriacTasks
import Glibc
import Logging
import Synchronization

/// The main function of a pool process.
public enum PoolChild {
    /// The exit codes of a pool process that ends by itself, from `sysexits.h`.
    public enum ExitCode {
        /// It was told to stop and did.
        public static let success: Int32 = 0
        /// It was started by hand: descriptor 3 is no socket.
        public static let usage: Int32 = 64
        /// The controller sent something it cannot read.
        public static let dataError: Int32 = 65
        /// The controller speaks another version.
        public static let version: Int32 = 76
    }

    /// Serves the controller on descriptor 3 until it says to stop, and returns the exit code for the program.
    ///
    /// Call it first in `main`: it sets up logging for the whole process. When the controller dies, the process and all
    /// that its handlers started end at once.
    public static func run(registry: HandlerRegistry) async -> Int32 {
        guard isSocket(Frame.socketDescriptor) else {
            let message = "This program serves a Celeriac worker, which starts it with a socket on descriptor 3.\n"
            _ = message.utf8CString.withUnsafeBufferPointer { write(2, $0.baseAddress, $0.count - 1) }
            return ExitCode.usage
        }
        // Programs that handlers start must neither hold the socket open nor write to it.
        _ = fcntl(Frame.socketDescriptor, F_SETFD, FD_CLOEXEC)
        let board = StartBoard(descriptor: Frame.boardDescriptor)
        close(Frame.boardDescriptor)
        // The controller decides when to stop. Signals that a terminal or a service manager sends to all processes
        // would end runs that a warm stop has to finish.
        for signal in [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGPIPE] { celeriac_disarm_signal(signal) }

        let ended = AsyncStream<Int32>.makeStream()
        let reader = ChildReader(registry: registry, board: board) { ended.continuation.yield($0) }
        guard reader.start() else { return ExitCode.usage }
        for await code in ended.stream { return code }
        return ExitCode.dataError
    }

    private static func isSocket(_ descriptor: Int32) -> Bool {
        var status = stat()
        return fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFSOCK
    }
}
