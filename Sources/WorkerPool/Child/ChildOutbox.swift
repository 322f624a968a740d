import Glibc
import Synchronization

/// Writes a pool process' frames to its socket, many outcomes in one write.
///
/// An outcome is held back only while more runs are queued behind it, and for a millisecond at most: then the reading
/// thread, which polls in that time, writes it.
final class ChildOutbox: RunSink {
    private static let mostOutcomes = 64
    private static let mostBytes = 256 << 10
    private static let holdOutcome: UInt64 = 1_000_000
    private static let holdState: UInt64 = 5_000_000

    private struct State {
        var writer = FrameWriter()
        var outcomes = 0
        /// When what is held must be written, in monotonic nanoseconds.
        var due = UInt64.max
        /// States held back because their runs wrote one just before, one for each run.
        var states: [StateFrame] = []
        /// When each run that reports last wrote a state.
        var stateWritten: [UInt64: UInt64] = [:]
        /// Until when the reading thread sleeps.
        var sleepsUntil: UInt64 = 0
    }

    private let state = Mutex(State())
    private let socket: Int32
    private let wakeDescriptor: Int32
    private let frameLimit: Int

    /// Writes to `socket`; a byte on `wakeDescriptor` ends the sleep of the thread that calls ``prepareToSleep(busy:)``.
    init(socket: Int32, wakeDescriptor: Int32, frameLimit: Int) {
        self.socket = socket
        self.wakeDescriptor = wakeDescriptor
        self.frameLimit = frameLimit
    }

    /// Whether an outcome may wait for more.
    enum Urgency {
        /// Nothing is queued behind it.
        case now
        /// More outcomes follow soon.
        case withOthers
    }

    /// Sends how a run ended; its states that are still held are dropped, as the end replaces them.
    func outcome(_ frame: OutcomeFrame, _ urgency: Urgency, now: UInt64) {
        state.withLock { state in
            if !state.stateWritten.isEmpty, state.stateWritten.removeValue(forKey: frame.job) != nil {
                state.states.removeAll { $0.job == frame.job }
            }
            frame.append(to: &state.writer, limit: frameLimit)
            state.outcomes += 1
            state.due = min(state.due, now + Self.holdOutcome)
            let full = state.outcomes >= Self.mostOutcomes || state.writer.bytes.count >= Self.mostBytes
            if urgency == .now || full || state.due <= now {
                write(&state)
            } else {
                wakeIfNeeded(&state)
            }
        }
    }

    func state(_ frame: StateFrame) {
        let now = MonotonicClock.now()
        state.withLock { state in
            let last = state.stateWritten[frame.job]
            if let last, now < last + Self.holdState {
                if let place = state.states.firstIndex(where: { $0.job == frame.job }) {
                    state.states[place] = frame
                } else {
                    state.states.append(frame)
                }
                state.due = min(state.due, last + Self.holdState)
                wakeIfNeeded(&state)
            } else {
                state.stateWritten[frame.job] = now
                send(&state) { frame.append(to: &$0) }
            }
        }
    }

    // At once, so that the last lines before a crash arrive.
    func log(_ record: PoolLogRecord) {
        state.withLock { state in send(&state) { record.append(to: &$0) } }
    }

    /// Sends a frame at once.
    func send(_ append: (inout FrameWriter) -> Void) {
        state.withLock { state in send(&state, append) }
    }

    /// Writes what is due and says for how many milliseconds the reading thread may sleep; -1 is without limit.
    ///
    /// - Parameter busy: Whether runs are queued, so that outcomes will soon be held.
    func prepareToSleep(busy: Bool) -> Int32 {
        let now = MonotonicClock.now()
        return state.withLock { state in
            if state.due <= now { write(&state) }
            let until = min(state.due, busy ? now + Self.holdOutcome : .max)
            state.sleepsUntil = until
            return until == .max ? -1 : Int32(clamping: (until - now + 999_999) / 1_000_000)
        }
    }

    /// Writes everything.
    func flush() {
        state.withLock { state in write(&state) }
    }

    private func send(_ state: inout State, _ append: (inout FrameWriter) -> Void) {
        let start = state.writer.bytes.count
        append(&state.writer)
        // What the controller would refuse ends this process and all its runs; leaving one line out does not.
        if state.writer.bytes.count - start - Frame.headerSize > frameLimit { state.writer.truncate(to: start) }
        write(&state)
    }

    private func wakeIfNeeded(_ state: inout State) {
        guard state.due < state.sleepsUntil else { return }
        state.sleepsUntil = state.due
        var byte: UInt8 = 1
        // A full pipe wakes as well, so the result does not matter.
        _ = Glibc.write(wakeDescriptor, &byte, 1)
    }

    // Under the lock: when the controller reads slowly, whoever produces waits.
    private func write(_ state: inout State) {
        let now = state.states.isEmpty ? 0 : MonotonicClock.now()
        for frame in state.states {
            state.stateWritten[frame.job] = now
            frame.append(to: &state.writer)
        }
        state.states = []
        state.due = .max
        state.outcomes = 0
        state.writer.bytes.withUnsafeBytes { bytes in
            var rest = bytes[...]
            while !rest.isEmpty {
                let written = Glibc.send(
                    socket,
                    UnsafeRawBufferPointer(rebasing: rest).baseAddress,
                    rest.count,
                    Int32(MSG_NOSIGNAL)
                )
                if written < 0 {
                    if errno == EINTR { continue }
                    // The controller is gone; the reading thread sees that too and ends the process.
                    return
                }
                rest = rest.dropFirst(written)
            }
        }
        state.writer.clear()
    }
}
