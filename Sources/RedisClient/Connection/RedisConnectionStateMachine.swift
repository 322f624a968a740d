import NIOCore

/// Decides when to connect, how long to wait, and what becomes of commands meanwhile.
///
/// A plain value: it knows no socket and no clock, so every path of it is tested without either. ``RedisConnection`` asks
/// it for the next action, performs that, and reports what happened.
struct RedisConnectionStateMachine {
    /// Where the connection stands.
    enum Phase: Equatable {
        /// Nobody asked for a connection yet.
        case idle
        /// An attempt is under way.
        case connecting
        /// Commands flow.
        case ready
        /// Replies still due are awaited, then the connection is replaced.
        case draining
        /// There is no connection.
        case disconnected
        /// `close()` was called; replies still due are awaited.
        case closing
        /// Finished.
        case closed
    }

    /// What whoever keeps the connection up must do next.
    enum Action: Equatable {
        /// Try to connect.
        case connect
        /// Wait this long, then ask again.
        case wait(Duration)
        /// Nothing until something happens.
        case watch
        /// Give up, with the reason unless the connection was closed on purpose.
        case stop(RedisError?)
    }

    /// What becomes of a new command.
    enum Disposition: Equatable {
        /// Write it in this turn of the loop.
        case write
        /// Keep it until there is a connection, or its time is over.
        case hold
        /// Fail it at once.
        case refuse(RedisError)
    }

    /// A connection that lasted this long counts as sound: the next failure starts the backoff anew.
    ///
    /// A server that accepts and then refuses (a replica, say) must not be asked many times a second.
    static let soundAfter: TimeAmount = .seconds(10)

    private(set) var phase = Phase.idle
    /// Attempts and connections that failed in a row.
    private(set) var failures = 0
    /// Whether somebody keeps the connection up, so that commands may wait for the next one.
    var isSupervised = false
    private let backoff: RedisBackoff
    private var lastError: RedisError?
    private var readySince: NIODeadline?
    private var hasWaited = false

    init(backoff: RedisBackoff) { self.backoff = backoff }

    /// The next action of whoever keeps the connection up; `random` is in 0..<1.
    mutating func next(random: Double) -> Action {
        switch phase {
        case .idle: return .connect
        case .connecting, .ready, .draining, .closing: return .watch
        case .closed: return .stop(nil)
        case .disconnected:
            if let lastError, !lastError.isTransient { return .stop(lastError) }
            if hasWaited || failures == 0 { return .connect }
            hasWaited = true
            return .wait(backoff.delay(afterFailures: failures, random: random))
        }
    }

    /// What becomes of a command that arrives now.
    var disposition: Disposition {
        switch phase {
        case .idle, .connecting: .hold
        case .ready: .write
        case .draining: isSupervised ? .hold : .refuse(noConnection)
        case .disconnected: isSupervised ? .hold : .refuse(noConnection)
        case .closing, .closed: .refuse(RedisError(.connectionClosed, "the client was closed", isTransient: false))
        }
    }

    /// An attempt begins; false when there is nothing to attempt.
    mutating func beginConnecting() -> Bool {
        guard phase == .idle || phase == .disconnected else { return false }
        phase = .connecting
        hasWaited = false
        return true
    }

    /// The attempt ended well; false when the connection was closed meanwhile.
    mutating func didConnect(at now: NIODeadline) -> Bool {
        guard phase == .connecting else { return false }
        phase = .ready
        readySince = now
        lastError = nil
        return true
    }

    /// The attempt failed.
    mutating func didFailToConnect(_ error: RedisError) {
        guard phase == .connecting else { return }
        failures += 1
        disconnect(error)
    }

    /// The server asked for another connection; false when this one already ends.
    mutating func beginDraining() -> Bool {
        guard phase == .ready else { return false }
        phase = .draining
        return true
    }

    /// The connection ended.
    mutating func didLose(_ error: RedisError, at now: NIODeadline) {
        guard phase == .ready || phase == .draining else { return }
        if let readySince, now - readySince >= Self.soundAfter { failures = 0 }
        failures += 1
        disconnect(error)
    }

    /// A permanent failure was reported to the caller, who asks for another try.
    mutating func forgive() {
        if phase == .disconnected, lastError?.isTransient == false { lastError = nil }
    }

    /// `close()` was called; false when it had been before.
    mutating func beginClosing() -> Bool {
        guard phase != .closing, phase != .closed else { return false }
        phase = .closing
        return true
    }

    /// Nothing is left.
    mutating func didClose() { phase = .closed }

    private mutating func disconnect(_ error: RedisError) {
        phase = .disconnected
        lastError = error
        readySince = nil
        hasWaited = false
    }

    private var noConnection: RedisError {
        guard let lastError else { return RedisError(.connectionClosed, "not connected") }
        guard lastError.isTransient else { return lastError }
        return RedisError(.connectionClosed, "not connected: \(lastError.message)", underlying: lastError)
    }
}
