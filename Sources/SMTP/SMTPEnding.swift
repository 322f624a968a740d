import NIOCore
import Synchronization

/// Why the channels of one attempt to connect ended: for a command that comes when its channel's handler is gone.
final class SMTPEnding: Sendable {
    private let reasons = Mutex<[ObjectIdentifier: SMTPError]>([:])

    /// Takes note of the first reason.
    func note(_ reason: SMTPError, of channel: any Channel) {
        reasons.withLock { $0[ObjectIdentifier(channel)] = $0[ObjectIdentifier(channel)] ?? reason }
    }

    /// The reason, where the handler saw one.
    func reason(of channel: any Channel) -> SMTPError? { reasons.withLock { $0[ObjectIdentifier(channel)] } }
}
