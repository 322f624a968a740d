import HTTPTypes
import Hummingbird

/// Lets pages of the configured origins ask; without any there is no such header at all.
///
/// Cookies are never asked for, so an origin that is let in gets what anybody with the same token gets.
struct CrossOrigin: RouterMiddleware {
    let origins: Set<String>

    init(origins: [String]) { self.origins = Set(origins) }

    func handle(
        _ request: Request,
        context: GatewayContext,
        next: Next
    ) async throws -> Response {
        guard let origin = request.headers[.origin], origins.contains(origin) else {
            var response = try await next(request, context)
            response.headers[.vary] = "Origin"
            return response
        }
        var response: Response
        if request.method == .options, request.headers[.accessControlRequestMethod] != nil {
            response = Response(status: .noContent)
            response.headers[.accessControlAllowMethods] = "GET, POST, DELETE"
            response.headers[.accessControlAllowHeaders] = "Authorization, Content-Type, If-None-Match"
            response.headers[.accessControlMaxAge] = "600"
        } else {
            do {
                response = try await next(request, context)
            } catch let error as GatewayError {
                // A page may read why it was refused.
                response = error.response
            }
        }
        response.headers[.accessControlAllowOrigin] = origin
        response.headers[.accessControlExposeHeaders] = "ETag, Retry-After"
        response.headers[.vary] = "Origin"
        return response
    }
}
