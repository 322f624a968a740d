import CSpawn
import Glibc
import NIOCore
import NIOPosix

/// One process of a pool as the controller sees it.
final class PoolProcess: @unchecked Sendable {
    // Touched on the pool's event loop only.

    /// Where a process stands between its start and its end.
    enum Phase {
        /// It was started and has not said that it is ready.
        case starting
        /// It is ready and waits until the process it replaces has finished.
        case standby
        /// It takes runs.
        case ready
        /// It takes no more runs and is told to stop when those it has are done.
        case draining
        /// One of its runs was given up. It takes no more runs and is killed when the others are done.
        case condemned
        /// It was told to stop.
        case stopping
        /// It was killed.
        case killed
    }

    let name: String
    let processID: pid_t
    let startedAt: Double
    let started = NIODeadline.now()
    private let board: StartBoard

    var phase = Phase.starting
    var channel: (any Channel)?
    /// Whether the socket's end was seen.
    var isDisconnected = false
    /// How it ended, once its status was collected.
    var exit: ProcessExit?
    /// Whether its status is being collected.
    var isBeingCollected = false
    /// Whether the pool itself brought about its end.
    var isEndWanted = false
    /// Whether the time it has left to end by itself is running.
    var hasGrace = false
    /// Whether it said that it is ready.
    var wasReady = false
    /// Whether it notes on the board which runs have begun.
    var keepsBoard = false

    /// The runs it is believed to be running: the first of those it was given, as many as it has slots.
    var running: [PooledJob] = []
    /// The runs queued in it behind those.
    var waiting = Queue<PooledJob>()
    /// How long the waiting runs are expected to take, in seconds.
    var expectedSeconds = 0.0
    /// How many of the running ones have run long.
    var longRuns = 0
    /// Whether it was asked to give back what waits and has not answered.
    var isRecalling = false
    /// How many runs it was given.
    var accepted = 0
    /// How many of them ended.
    var done = 0

    /// Whether another process is to take this one's place.
    var wantsReplacement = false
    /// Whether it goes on beside a waiting replacement until it has run its share.
    var finishesShare = false
    /// The process that waits to take this one's place.
    var replacement: PoolProcess?
    /// Whether this process waits for the end of another one.
    var isReplacement = false
    /// Whether it is one too many since the pool was made smaller.
    var isSurplus = false
    var memoryChecked = NIODeadline.distantPast

    private var writer = FrameWriter()
    /// Whether it is on the pool's list of processes with frames to write.
    var isDirty = false

    init(name: String, processID: pid_t, board: StartBoard, startedAt: Double) {
        self.name = name
        self.processID = processID
        self.board = board
        self.startedAt = startedAt
    }

    /// How many runs it has not ended.
    var unfinished: Int { running.count + waiting.count }

    /// The place of the last run that has begun, as the process itself noted it; `nil` when it does not.
    var startedOrdinal: UInt64? { keepsBoard ? board.started : nil }

    /// Appends frames to the next write.
    func append<Result>(_ body: (inout FrameWriter) -> Result) -> Result { body(&writer) }

    /// Writes what was appended.
    func flush() {
        isDirty = false
        guard let channel, !writer.isEmpty else { return }
        let bytes = writer.take()
        channel.writeAndFlush(channel.allocator.buffer(bytes: bytes), promise: nil)
    }

    /// Kills the process and all that its handlers started.
    ///
    /// Its status must not have been collected: until then the system keeps the numbers of process and group.
    func kill() {
        guard exit == nil else { return }
        // The group is the process' own, unless it was killed before it made one.
        Glibc.kill(-processID, SIGKILL)
        Glibc.kill(processID, SIGKILL)
    }

    /// Collects the status of the process when it has ended.
    func collect() -> ProcessExit? {
        var status: Int32 = 0
        while true {
            let found = waitpid(processID, &status, WNOHANG)
            if found == processID { return ProcessExit(waitStatus: status) }
            if found == 0 { return nil }
            if errno != EINTR { return .unknown }
        }
    }

    /// Resident memory in KiB, or `nil` when the system does not say.
    func residentMemory() -> Int? {
        let descriptor = open("/proc/\(processID)/statm", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 128)
        let count = read(descriptor, &bytes, bytes.count)
        guard count > 0 else { return nil }
        let columns = String(decoding: bytes[..<count], as: UTF8.self).split(separator: " ")
        guard columns.count > 1, let pages = Int(columns[1]) else { return nil }
        return pages * (sysconf(Int32(_SC_PAGESIZE)) / 1024)
    }
}

extension ProcessExit {
    /// Reads what `waitpid` returned.
    init(waitStatus status: Int32) {
        let signal = status & 0x7f
        self = signal == 0 ? .code(status >> 8 & 0xff) : .signal(signal)
    }
}
