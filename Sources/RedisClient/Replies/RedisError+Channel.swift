import Glibc
import NIOCore
import NIOPosix
import NIOSSL

extension RedisError {
    /// Why a channel could not be connected.
    init(connecting error: any Error, to address: RedisConfiguration.Address, _ configuration: RedisConfiguration) {
        let place = configuration.place(address)
        switch error {
        case let error as RedisError: self = error
        case ChannelError.connectTimeout:
            self.init(.connectTimeout, "no connection to \(place) within \(configuration.connectTimeout)")
        case let error as NIOConnectionError:
            self.init(.connectFailed, "cannot connect to \(place): \(Self.reason(error))", underlying: error)
        default:
            let known = RedisError(channel: error)
            guard known.code == .connectionClosed else {
                self = known
                return
            }
            self.init(.connectFailed, "cannot connect to \(place): \(Self.reason(error))", underlying: error)
        }
    }

    /// What an error on a connected channel means.
    init(channel error: any Error) {
        switch error {
        case let error as RedisError: self = error
        case NIOSSLError.uncleanShutdown:
            self.init(.connectionClosed, "the server ended the connection without closing TLS", underlying: error)
        // A server that goes away in the middle of a handshake refuses nothing: it may be back in a moment. NIOSSL says
        // so only in the text of its error.
        case is NIOSSLError where "\(error)".contains("EOF during handshake"):
            self.init(.connectionClosed, "the server ended the connection during the TLS handshake", underlying: error)
        case is NIOSSLError, is NIOSSLExtraError, is BoringSSLError:
            self.init(.tls, "TLS failed: \(error)", underlying: error)
        default:
            self.init(.connectionClosed, "the connection broke: \(Self.reason(error))", underlying: error)
        }
    }

    private static func reason(_ error: any Error) -> String {
        switch error {
        case let error as IOError: String(cString: strerror(error.errnoCode))
        case let error as NIOConnectionError:
            error.connectionErrors.first.map { reason($0.error) } ?? "unknown host \(error.host)"
        default: "\(error)"
        }
    }
}
