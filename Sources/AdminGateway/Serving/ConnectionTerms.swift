import HummingbirdCore
import Logging
import NIOCore
import NIOSSL
import Synchronization

/// On which terms connections are taken: their limits and the certificate.
///
/// A connection keeps those it was opened with.
final class ConnectionTerms: Sendable {
    /// The terms at one moment.
    struct Terms: Sendable {
        var channel: HTTP1Channel.Configuration
        /// The most connections at once.
        var most: Int
        /// `nil` for plain HTTP.
        var encryption: NIOSSLContext?
    }

    private let state: Mutex<Terms>

    /// - Throws: what is wrong with the certificate.
    init(_ limits: GatewayLimits, _ certificate: GatewayServer.Certificate?) throws {
        state = Mutex(try Self.terms(limits, certificate))
    }

    var terms: Terms { state.withLock { $0 } }

    /// The certificate's files are read again, whether or not they have other names.
    ///
    /// - Throws: what is wrong with the certificate; then nothing has changed.
    func change(to limits: GatewayLimits, _ certificate: GatewayServer.Certificate?) throws {
        let terms = try Self.terms(limits, certificate)
        state.withLock { $0 = terms }
    }

    /// What takes connections on these terms.
    var server: HTTPServerBuilder { HTTPServerBuilder { GatewayChannel(responder: $0, connections: self) } }

    private static func terms(_ limits: GatewayLimits, _ certificate: GatewayServer.Certificate?) throws -> Terms {
        let channel = HTTP1Channel.Configuration(
            idleTimeout: TimeAmount(limits.idleTime),
            httpDecoderConfiguration: .init(
                maxHeaderFieldSize: limits.headerBytes,
                maxHeaderListSize: limits.headerBytes,
                maxHeaderFieldCount: 100
            )
        )
        return Terms(channel: channel, most: limits.connections, encryption: try certificate.map(encryption))
    }

    private static func encryption(_ certificate: GatewayServer.Certificate) throws -> NIOSSLContext {
        var tls = TLSConfiguration.makeServerConfiguration(
            certificateChain: try NIOSSLCertificate.fromPEMFile(certificate.certificateFile).map { .certificate($0) },
            privateKey: .privateKey(try NIOSSLPrivateKey(file: certificate.keyFile, format: .pem))
        )
        tls.minimumTLSVersion = .tlsv12
        return try NIOSSLContext(configuration: tls)
    }
}

/// Prepares each connection on the terms there are when it is opened.
private struct GatewayChannel: ServerChildChannel {
    typealias Value = HTTP1Channel.Value

    let responder: HTTPChannelHandler.Responder
    let connections: ConnectionTerms

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        let terms = connections.terms
        let plain = HTTP1Channel(responder: responder, configuration: terms.channel)
        guard let encryption = terms.encryption else { return plain.setup(channel: channel, logger: logger) }
        return channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: encryption))
        }.flatMap {
            plain.setup(channel: channel, logger: logger)
        }
    }

    @concurrent func handle(value: Value, logger: Logger) async {
        await HTTP1Channel(responder: responder).handle(value: value, logger: logger)
    }
}

/// Takes no more connections than the terms allow; the others wait until one ends.
struct ConnectionLimit: AvailableConnectionsDelegate {
    let terms: ConnectionTerms
    private var count = 0

    init(terms: ConnectionTerms) { self.terms = terms }

    mutating func connectionOpened() { count += 1 }

    mutating func connectionClosed() { count -= 1 }

    func isAcceptingNewConnections() -> Bool { count < terms.terms.most }
}
