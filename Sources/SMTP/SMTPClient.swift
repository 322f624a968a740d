public import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

/// Sends mail to one server over a few connections that are kept for a while.
///
/// Nothing is opened before the first message. A connection that turns out to be gone, or that the server ends with
/// 421, is replaced as long as the message's own content was not sent; later failures are the caller's to judge.
/// Cancelling a ``send(_:content:)`` takes effect at once and closes its connection.
public final class SMTPClient: Sendable {
    private struct Idle {
        let connection: SMTPConnection
        let since: NIODeadline
        let expiry: Scheduled<Void>
    }

    private enum Grant {
        /// A connection that carried messages before.
        case used(SMTPConnection, since: NIODeadline)
        /// The right to open one.
        case fresh
    }

    /// What happens to a connection that is given back.
    private enum Next {
        case quit
        case hand(to: CheckedContinuation<Grant, any Error>)
        case keep
    }

    private struct State {
        var idle: [Idle] = []
        /// Connections and rights to open one, in use or idle.
        var count = 0
        var waiters: [(id: Int, continuation: CheckedContinuation<Grant, any Error>)] = []
        var nextWaiter = 0
        var tls: NIOSSLContext?
        var stopped = false
    }

    /// The server this client sends to.
    public let configuration: SMTPConfiguration
    /// `nil` takes the process's own group, whose threads start with its first use: not before the first mail.
    private let group: (any EventLoopGroup)?
    private let state = Mutex(State())

    /// Prepares to send; opens nothing.
    public init(configuration: SMTPConfiguration, eventLoopGroup: (any EventLoopGroup)? = nil) {
        self.configuration = configuration
        group = eventLoopGroup
    }

    /// Hands a message to the server.
    ///
    /// Throws ``SMTPError`` when it was not accepted for any recipient, `CancellationError` when cancelled.
    public func send(_ envelope: SMTPEnvelope, content: [UInt8]) async throws -> SMTPDelivery {
        while true {
            var (connection, isUsed) = try await take()
            do {
                let delivery = try await connection.deliver(envelope, content: content)
                give(back: connection)
                return delivery
            } catch let error as SMTPError {
                await settle(connection, after: error)
                let gone = [.disconnected, .serviceClosing].contains(error.code) && !error.mayHaveBeenDelivered
                guard isUsed, gone else { throw error }
            } catch {
                discard(connection)
                throw error
            }
        }
    }

    /// Closes every connection and fails whoever waits for one.
    public func shutdown() async {
        let (idle, waiters) = state.withLock { state in
            state.stopped = true
            defer {
                state.count -= state.idle.count
                state.idle = []
                state.waiters = []
            }
            return (state.idle, state.waiters)
        }
        for waiter in waiters { waiter.continuation.resume(throwing: Self.shutDown) }
        for one in idle {
            one.expiry.cancel()
            one.connection.quit()
        }
        // A connection that cannot be closed properly is closed all the same; there is nobody to tell.
        for one in idle { try? await one.connection.closed.get() }
    }

    private static var shutDown: SMTPError { SMTPError(.shutDown, "the mail client was shut down") }

    // MARK: Connections

    /// A connection ready for a message, and whether it carried one before.
    private func take() async throws -> (SMTPConnection, isUsed: Bool) {
        while true {
            switch try await grant() {
            case .used(let connection, let since):
                // Routers forget quiet connections without a word; asking costs one round trip.
                let quiet = NIODeadline.now() - since > TimeAmount(configuration.quietLimit)
                do {
                    if !quiet { return (connection, true) }
                    if try await connection.isAlive() { return (connection, true) }
                } catch {
                    discard(connection)
                    throw error
                }
                discard(connection)
            case .fresh:
                do {
                    let group = self.group ?? MultiThreadedEventLoopGroup.singleton
                    return (try await SMTPConnection.open(configuration, tls: tls(), on: group), false)
                } catch {
                    returnRight()
                    throw error
                }
            }
        }
    }

    private func grant() async throws -> Grant {
        let id = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let immediate: Result<Grant, any Error>? = state.withLock { state in
                    // Looked at under the lock: the handler below either runs after this and finds the waiter, or ran
                    // before, and then the task is cancelled already.
                    if Task.isCancelled { return .failure(CancellationError()) }
                    if state.stopped { return .failure(Self.shutDown) }
                    while let one = state.idle.popLast() {
                        one.expiry.cancel()
                        if one.connection.isActive { return .success(.used(one.connection, since: one.since)) }
                        state.count -= 1
                    }
                    if state.count < configuration.maxConnections {
                        state.count += 1
                        return .success(.fresh)
                    }
                    state.waiters.append((id, continuation))
                    return nil
                }
                if let immediate { continuation.resume(with: immediate) }
            }
        } onCancel: {
            let waiter = state.withLock { state in
                state.waiters.firstIndex { $0.id == id }.map { state.waiters.remove(at: $0) }
            }
            waiter?.continuation.resume(throwing: CancellationError())
        }
    }

    /// After a refusal the connection goes on, after anything else it ends.
    private func settle(_ connection: SMTPConnection, after error: SMTPError) async {
        guard !error.concernsServer, connection.isActive else { return discard(connection) }
        do {
            try await connection.reset()
            give(back: connection)
        } catch {
            discard(connection)
        }
    }

    private func give(back connection: SMTPConnection) {
        guard connection.isActive, connection.messages < configuration.messagesPerConnection else {
            connection.quit()
            returnRight()
            return
        }
        let now = NIODeadline.now()
        let next: Next = state.withLock { state in
            if state.stopped {
                state.count -= 1
                return .quit
            }
            if !state.waiters.isEmpty { return .hand(to: state.waiters.removeFirst().continuation) }
            let expiry = connection.eventLoop.scheduleTask(in: TimeAmount(configuration.idleLimit)) { [weak self] in
                guard let self else { return connection.quit() }
                expire(connection)
            }
            state.idle.append(Idle(connection: connection, since: now, expiry: expiry))
            return .keep
        }
        switch next {
        case .quit: connection.quit()
        case .hand(let waiter): waiter.resume(returning: .used(connection, since: now))
        case .keep: break
        }
    }

    private func expire(_ connection: SMTPConnection) {
        let removed = state.withLock { state in
            guard let place = state.idle.firstIndex(where: { $0.connection.id == connection.id }) else { return false }
            state.idle.remove(at: place)
            state.count -= 1
            return true
        }
        if removed { connection.quit() }
    }

    private func discard(_ connection: SMTPConnection) {
        connection.close()
        returnRight()
    }

    /// Hands the right to open a connection to whoever waits longest.
    private func returnRight() {
        let waiter = state.withLock { state -> CheckedContinuation<Grant, any Error>? in
            if state.waiters.isEmpty {
                state.count -= 1
                return nil
            }
            return state.waiters.removeFirst().continuation
        }
        waiter?.resume(returning: .fresh)
    }

    /// Reading the authorities takes milliseconds, so it is done once and only when needed.
    private func tls() throws -> TLSUpgrade? {
        guard configuration.security != .none else { return nil }
        let context = try state.withLock { state in
            if let context = state.tls { return context }
            var settings = TLSConfiguration.makeClientConfiguration()
            settings.minimumTLSVersion = .tlsv12
            if let file = configuration.authorityFile { settings.trustRoots = .file(file) }
            do {
                let context = try NIOSSLContext(configuration: settings)
                state.tls = context
                return context
            } catch {
                throw SMTPError(.tlsFailed, "TLS cannot be set up: \(error)")
            }
        }
        // An address cannot be asked for by name; the certificate must then hold the address itself.
        let isAddress = (try? SocketAddress(ipAddress: configuration.host, port: 0)) != nil
        return TLSUpgrade(context: context, serverName: isAddress ? nil : configuration.host)
    }
}
