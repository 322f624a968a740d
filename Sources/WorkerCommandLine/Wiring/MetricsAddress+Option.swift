package import Exposition
package import Logging
package import MetricsServer
package import NIOCore

extension MetricsAddress {
    /// What `--metrics` says.
    package init(option text: String) throws {
        guard let address = MetricsAddress(text) else {
            throw Complaint("--metrics: expected a port or host:port, got \(text)", code: .usage)
        }
        self = address
    }
}

extension MetricsServer {
    /// A server at the address, which is serving; none where there is no address.
    ///
    /// An address that cannot be used ends the start: what nobody watches over would go unnoticed.
    package static func serving(
        _ address: MetricsAddress?,
        of source: any MetricsSource,
        on eventLoop: any EventLoop,
        _ logger: Logger
    ) async throws -> MetricsServer? {
        guard let address else { return nil }
        let server = MetricsServer(address: address, source: source, eventLoop: eventLoop, logger: logger)
        do {
            try await server.start()
        } catch {
            throw Complaint("--metrics: cannot serve on \(address.host):\(address.port): \(error)")
        }
        return server
    }
}
