import Hummingbird
import HummingbirdCore
import HummingbirdTLS
package import Logging
import NIOCore
import NIOSSL
import ServiceLifecycle

/// Serves a gateway's routes on an address until it is told to stop.
package struct GatewayServer: Service, CustomStringConvertible {
    /// Where it listens.
    package enum Address: Sendable, Hashable {
        /// A host's address and a port; port 0 takes any free one.
        case tcp(host: String, port: Int)
        /// A socket in the file system.
        case unix(path: String)
    }

    /// The certificate it serves with.
    package struct Certificate: Sendable, Hashable {
        /// A PEM file of the certificate and those that lead to its authority.
        package var certificateFile: String
        /// A PEM file of its private key.
        package var keyFile: String

        /// Two files.
        package init(certificateFile: String, keyFile: String) {
            self.certificateFile = certificateFile
            self.keyFile = keyFile
        }
    }

    /// The log of a service group names services so; what the server is made of is secret.
    package var description: String { "HTTP server" }

    private let gateway: Gateway
    private let application: Application<RouterResponder<GatewayContext>>

    /// A server that does not listen yet.
    ///
    /// - Parameter onListening: told the port once it listens; `nil` on a socket in the file system.
    /// - Throws: what is wrong with the certificate.
    package init(
        gateway: Gateway,
        address: Address,
        certificate: Certificate?,
        limits: GatewayLimits,
        logger: Logger,
        onListening: @escaping @Sendable (Int?) -> Void
    ) throws {
        let bind: BindAddress =
            switch address {
            case .tcp(let host, let port): .hostname(host, port: port)
            case .unix(let path): .unixDomainSocket(path: path)
            }
        self.gateway = gateway
        application = Application(
            router: gateway.router(),
            server: try Self.server(certificate, limits),
            configuration: ApplicationConfiguration(
                address: bind,
                availableConnectionsDelegate: .maximum(limits.connections, logger: logger)
            ),
            onServerRunning: { onListening($0.localAddress?.port) },
            logger: logger
        )
    }

    /// Serves until its task is cancelled or the service group stops.
    package func run() async throws {
        // Ends with the server: nobody asks for what it keeps up to date any more.
        let watch = Task { await gateway.keepWatch() }
        defer { watch.cancel() }
        try await application.run()
    }

    private static func server(_ certificate: Certificate?, _ limits: GatewayLimits) throws -> HTTPServerBuilder {
        let plain = HTTPServerBuilder.http1(
            configuration: HTTP1Channel.Configuration(
                idleTimeout: TimeAmount(limits.idleTime),
                httpDecoderConfiguration: .init(
                    maxHeaderFieldSize: limits.headerBytes,
                    maxHeaderListSize: limits.headerBytes,
                    maxHeaderFieldCount: 100
                )
            )
        )
        guard let certificate else { return plain }
        var tls = TLSConfiguration.makeServerConfiguration(
            certificateChain: try NIOSSLCertificate.fromPEMFile(certificate.certificateFile).map { .certificate($0) },
            privateKey: .privateKey(try NIOSSLPrivateKey(file: certificate.keyFile, format: .pem))
        )
        tls.minimumTLSVersion = .tlsv12
        return try .tls(plain, tlsConfiguration: tls)
    }
}
