import Hummingbird
import Synchronization

/// The gateway that answers requests at present.
final class ServedGateway: HTTPResponder {
    typealias Context = GatewayContext

    private struct State {
        var gateway: Gateway
        var responder: RouterResponder<GatewayContext>
    }

    private let state: Mutex<State>

    init(_ gateway: Gateway) {
        state = Mutex(State(gateway: gateway, responder: gateway.router().buildResponder()))
        gateway.admitOwnUsers()
    }

    var gateway: Gateway { state.withLock { $0.gateway } }

    /// Has another gateway answer from the next request on; it remembers what this one does.
    func change(to gateway: Gateway) {
        let next = gateway.continuing(self.gateway)
        let responder = next.router().buildResponder()
        state.withLock { $0 = State(gateway: next, responder: responder) }
        next.admitOwnUsers()
    }

    @concurrent func respond(to request: Request, context: GatewayContext) async throws -> Response {
        try await state.withLock { $0.responder }.respond(to: request, context: context)
    }
}
