import CSpawn
import CeleriacTasks
import Glibc
import Logging

/// Reads frames on a thread of its own, so that a handler that blocks every other thread can still be told to stop, and
/// the death of the controller is noticed.
final class ChildReader: @unchecked Sendable {
    // Everything below is touched by the reading thread only, once it runs.
    private let registry: HandlerRegistry
    private let board: StartBoard?
    private let whenEnded: @Sendable (Int32) -> Void
    private var wakePipe: [Int32] = [-1, -1]
    private var frameLimit = Frame.defaultLimit
    private var service: Service?
    private var batch: [PoolTask] = []

    private static let bufferSize = 64 << 10
    private static let mostKept = 1 << 20

    /// What there is once the controller has said hello.
    private struct Service {
        var host: HandlerHost
        var outbox: ChildOutbox
        var slots: ChildSlots
    }

    init(registry: HandlerRegistry, board: StartBoard?, whenEnded: @escaping @Sendable (Int32) -> Void) {
        self.registry = registry
        self.board = board
        self.whenEnded = whenEnded
    }

    /// Starts the thread; false when the system has none left.
    func start() -> Bool {
        guard pipe(&wakePipe) == 0 else { return false }
        for end in wakePipe {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
        }
        var thread = pthread_t()
        let context = Unmanaged.passRetained(self)
        let failed = pthread_create(
            &thread,
            nil,
            { context in
                if let context { Unmanaged<ChildReader>.fromOpaque(context).takeRetainedValue().read() }
                return nil
            },
            context.toOpaque()
        )
        if failed != 0 {
            context.release()
            return false
        }
        pthread_detach(thread)
        return true
    }

    private func read() {
        var buffer = [UInt8](repeating: 0, count: Self.bufferSize)
        var filled = 0
        while true {
            sleepUntilReadable()
            if filled == buffer.count { buffer.append(contentsOf: repeatElement(0, count: buffer.count)) }
            let count = buffer.withUnsafeMutableBytes { bytes in
                let free = UnsafeMutableRawBufferPointer(rebasing: bytes[filled...])
                return recv(Frame.socketDescriptor, free.baseAddress, free.count, Int32(MSG_DONTWAIT))
            }
            if count < 0, errno == EINTR || errno == EAGAIN { continue }
            guard count > 0 else { Self.endWithController() }
            filled += count
            do {
                let taken = try takeFrames(buffer.span.bytes.extracting(0..<filled))
                buffer.withUnsafeMutableBytes { bytes in
                    bytes.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[taken..<filled]))
                }
                filled -= taken
            } catch {
                fail(error)
                return
            }
            if filled == 0, buffer.count > Self.mostKept {
                buffer = [UInt8](repeating: 0, count: Self.bufferSize)
            }
        }
    }

    private func sleepUntilReadable() {
        let timeout = service.map { $0.outbox.prepareToSleep(busy: $0.slots.isBusy) } ?? -1
        var watched = [
            pollfd(fd: Frame.socketDescriptor, events: Int16(POLLIN), revents: 0),
            pollfd(fd: wakePipe[0], events: Int16(POLLIN), revents: 0),
        ]
        poll(&watched, 2, timeout)
        guard watched[1].revents != 0 else { return }
        var bytes: UInt64 = 0
        while Glibc.read(wakePipe[0], &bytes, 8) == 8 {}
    }

    /// Ends this process and all that its handlers started: without the controller nobody wants their results, and the
    /// tasks will run elsewhere.
    private static func endWithController() -> Never {
        if getpgrp() == getpid() { kill(0, SIGKILL) }
        _exit(1)
    }

    private func fail(_ error: PoolError) {
        let message = "pool process \(getpid()): \(error)\n"
        _ = message.utf8CString.withUnsafeBufferPointer { write(2, $0.baseAddress, $0.count - 1) }
        whenEnded(PoolChild.ExitCode.dataError)
    }

    // MARK: Frames

    /// Handles the complete frames at the start of `bytes` and returns their length.
    private func takeFrames(_ bytes: RawSpan) throws(PoolError) -> Int {
        var offset = 0
        while let next = try Frame.header(of: bytes, at: offset, limit: frameLimit) {
            let start = offset + Frame.headerSize
            guard bytes.byteCount - start >= next.length else { break }
            try handle(next.kind, bytes.extracting(start..<start + next.length))
            offset = start + next.length
        }
        addBatch()
        return offset
    }

    private func addBatch() {
        guard !batch.isEmpty else { return }
        service?.slots.add(batch)
        batch.removeAll(keepingCapacity: true)
    }

    private func handle(_ kind: Frame.Kind, _ payload: RawSpan) throws(PoolError) {
        if kind == .hello { return try begin(HelloFrame(payload: payload)) }
        guard let service else { throw PoolError(code: .malformedFrame, message: "no hello frame at first") }
        switch kind {
        case .run: batch.append(try PoolTask(runFrame: payload))
        default:
            // Whatever else is said concerns the runs before it.
            addBatch()
            try handle(kind, payload, service)
        }
    }

    private func handle(_ kind: Frame.Kind, _ payload: RawSpan, _ service: Service) throws(PoolError) {
        switch kind {
        case .recall:
            let jobs = service.slots.recall()
            service.outbox.send { ReturnedFrame(answersRecall: true, jobs: jobs).append(to: &$0) }
        case .cancel:
            let cancel = try CancelFrame(payload: payload)
            if case .removed = service.slots.cancel(job: cancel.job, reason: cancel.reason) {
                service.outbox.send { ReturnedFrame(answersRecall: false, jobs: [cancel.job]).append(to: &$0) }
            }
        case .shutdown: end(service)
        default:
            throw PoolError(
                code: .malformedFrame,
                message: "a frame of kind \(kind.rawValue) is not for pool processes"
            )
        }
    }

    private func begin(_ hello: HelloFrame) throws(PoolError) {
        guard service == nil else { throw PoolError(code: .malformedFrame, message: "a second hello frame") }
        guard hello.version == Frame.version else {
            whenEnded(PoolChild.ExitCode.version)
            return
        }
        frameLimit = hello.frameLimit
        let outbox = ChildOutbox(
            socket: Frame.socketDescriptor,
            wakeDescriptor: wakePipe[1],
            frameLimit: hello.frameLimit
        )
        let host = HandlerHost(
            registry: registry,
            setup: hello.setup,
            processName: hello.process,
            processID: getpid(),
            sink: outbox
        )
        let level = hello.setup.logLevel
        LoggingSystem.bootstrap { label in
            PoolLogHandler(
                label: label,
                level: level,
                job: nil,
                taskID: nil,
                taskName: nil,
                processName: hello.process,
                processID: getpid(),
                sink: outbox
            )
        }
        Self.setProcessName("pool:\(hello.process)")
        service = Service(
            host: host,
            outbox: outbox,
            slots: ChildSlots(slots: hello.slots, host: host, outbox: outbox, board: board)
        )
        outbox.send { ReadyFrame(processID: getpid(), usesBoard: self.board != nil).append(to: &$0) }
    }

    private func end(_ service: Service) {
        let jobs = service.slots.recall()
        service.outbox.send { ReturnedFrame(answersRecall: true, jobs: jobs).append(to: &$0) }
        let whenEnded = whenEnded
        service.slots.close {
            // Not bound to a run: the last one has ended.
            Task {
                await service.host.shutdown()
                service.outbox.flush()
                whenEnded(PoolChild.ExitCode.success)
            }
        }
    }

    /// Shows which pool a process belongs to in `ps` and `top`; the system keeps 15 bytes.
    private static func setProcessName(_ name: String) {
        let descriptor = open("/proc/self/comm", O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        _ = name.utf8CString.withUnsafeBufferPointer { write(descriptor, $0.baseAddress, $0.count - 1) }
        close(descriptor)
    }
}
