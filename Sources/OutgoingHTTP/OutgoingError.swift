import AsyncHTTPClient
import Glibc
import NIOCore
import NIOPosix

/// Why there is no answer.
package struct OutgoingError: Error, CustomStringConvertible {
    /// What is known of the request.
    package enum Code: Sendable, Hashable {
        /// It was not sent: the client was shut down.
        case stopped
        /// It cannot have arrived.
        case unreachable
        /// It may have arrived.
        case answerLost
    }

    /// What is known of the request.
    package let code: Code
    /// What happened, in words.
    package let description: String

    init(_ code: Code, _ description: String) {
        self.code = code
        self.description = description
    }

    private static let beforeSending: [HTTPClientError] = [
        .connectTimeout, .getConnectionFromPoolTimeout, .tlsHandshakeTimeout, .alreadyShutdown,
    ]

    /// Whether the request can have arrived is what decides between a safe and a doubtful second attempt.
    init(_ error: any Error) {
        let isUnsent =
            switch error {
            case let failed as HTTPClientError: Self.beforeSending.contains(failed)
            case is NIOConnectionError: true
            case let broken as IOError: broken.errnoCode == ECONNREFUSED || broken.errnoCode == ENETUNREACH
            default: false
            }
        self.init(isUnsent ? .unreachable : .answerLost, "\(error)")
    }
}
