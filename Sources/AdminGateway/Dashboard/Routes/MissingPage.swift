import HTTPTypes
import Hummingbird

/// What people are told at an address where there is nothing; programs are told in JSON.
struct MissingPage: Sendable {
    let pages: DashboardRoutes

    /// Whether a request is for something of the dashboard.
    func isBelow(_ request: Request) -> Bool { request.uri.path.hasPrefix(pages.home + "/") }

    /// A page for a browser; `nil` for whoever would rather have JSON, and for the addresses of programs.
    func response(_ request: Request, _ context: GatewayContext) -> Response? {
        guard request.method == .get, Accept(request.headers[.accept]).prefersPages,
            !request.uri.path.hasPrefix(pages.configuration.basePath + "/api/")
        else { return nil }
        var response = pages.missing(request, context)
        response.headers[.vary] = "Accept"
        return response
    }
}
