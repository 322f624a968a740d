import Hummingbird
package import Logging
import ServiceLifecycle

/// Serves a gateway's routes on an address until it is told to stop.
///
/// What it serves may be replaced while it does: each request is answered by one gateway from its beginning to its end.
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

    private let served: ServedGateway
    private let connections: ConnectionTerms
    private let application: Application<ServedGateway>

    /// A server that does not listen yet.
    ///
    /// - Parameter onListening: told the port once it listens; `nil` on a socket in the file system.
    /// - Throws: what is wrong with the certificate.
    package init(
        gateway: Gateway,
        address: Address,
        certificate: Certificate?,
        logger: Logger,
        onListening: @escaping @Sendable (Int?) -> Void
    ) throws {
        let bind: BindAddress =
            switch address {
            case .tcp(let host, let port): .hostname(host, port: port)
            case .unix(let path): .unixDomainSocket(path: path)
            }
        let connections = try ConnectionTerms(gateway.limits, certificate)
        self.connections = connections
        served = ServedGateway(gateway)
        application = Application(
            responder: served,
            server: connections.server,
            configuration: ApplicationConfiguration(
                address: bind,
                availableConnectionsDelegate: ConnectionLimit(terms: connections)
            ),
            onServerRunning: { onListening($0.localAddress?.port) },
            logger: logger
        )
    }

    /// Serves until its task is cancelled or the service group stops.
    package func run() async throws {
        // Ends with the server: nobody asks for what it keeps up to date any more.
        let watch = Task { await keepWatch() }
        defer { watch.cancel() }
        try await application.run()
    }

    /// Serves another gateway from the next request on, and the certificate from the next connection on.
    ///
    /// Requests that are being answered, and those who follow something, stay with the one they have. What was counted
    /// and remembered goes on.
    ///
    /// - Throws: what is wrong with the certificate; then nothing has changed.
    package func serve(_ gateway: Gateway, certificate: Certificate?) throws {
        try connections.change(to: gateway.limits, certificate)
        served.change(to: gateway)
    }

    private func keepWatch() async {
        while (try? await Task.sleep(for: Dashboard.lookEvery)) != nil {  // throws when it is cancelled
            await served.gateway.look()
        }
    }
}
