package import Hummingbird
import NIOCore

/// What belongs to one request.
package struct GatewayContext: RequestContext {
    package var coreContext: CoreRequestContextStorage
    /// The address the request came from; `local` where it has none, as on a unix socket.
    let remoteAddress: String
    /// The connection it came over.
    let channel: any Channel
    /// Who asks; `nil` until a token was checked.
    var user: GatewayUser?

    package init(source: Source) {
        coreContext = .init(source: source)
        channel = source.channel
        remoteAddress = source.channel.remoteAddress?.ipAddress ?? "local"
    }
}

/// What comes after a middleware.
///
/// Hummingbird is compiled to leave its caller's executor here.
typealias Next = @concurrent (Request, GatewayContext) async throws -> Response
