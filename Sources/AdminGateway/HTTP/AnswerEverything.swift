import HTTPTypes
import Hummingbird
import Inspection
import Logging
import NIOHTTP1

/// The outermost step: every answer has the headers that keep browsers careful, and every failure a JSON body.
struct AnswerEverything: RouterMiddleware {
    /// Whether clients come over TLS.
    let isEncrypted: Bool
    /// Filled once every route is there.
    let methods: FilledLater<MethodTable>
    let requests: RequestMetrics
    /// Says to people that there is nothing at an address; filled where there is a dashboard.
    let missing: FilledLater<MissingPage>

    func handle(
        _ request: Request,
        context: GatewayContext,
        next: Next
    ) async throws -> Response {
        let start = ContinuousClock.now
        var response = try await answer(request, context, next)
        requests.count(
            route: context.endpointPath,
            method: request.method.rawValue,
            status: response.status.code,
            seconds: (ContinuousClock.now - start) / .seconds(1)
        )
        response.headers[.xContentTypeOptions] = "nosniff"
        // Pages say themselves what they may load; nothing else may load anything.
        if response.headers[.contentSecurityPolicy] == nil {
            response.headers[.contentSecurityPolicy] = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'"
        }
        response.headers[.referrerPolicy] = "no-referrer"
        response.headers[.xFrameOptions] = "DENY"
        response.headers[.crossOriginResourcePolicy] = "same-site"
        if isEncrypted { response.headers[.strictTransportSecurity] = "max-age=31536000" }
        return response
    }

    private func answer(
        _ request: Request,
        _ context: GatewayContext,
        _ next: Next
    ) async throws -> Response {
        do {
            guard (request.head.path ?? "").utf8.count <= 4096 else {
                throw GatewayError(.uriTooLong, "uri_too_long", "The address has more than 4096 bytes.")
            }
            return try await next(request, context)
        } catch let error as GatewayError {
            guard error.status == .notFound, let missing = missing.value, missing.isBelow(request) else {
                return error.response
            }
            return missing.response(request, context) ?? error.response
        } catch let error as InspectionError {
            context.logger.warning("\(request.method) \(request.uri.path): \(error)")
            return GatewayError.deployment(error).response
        } catch let error as any HTTPResponseError {
            let error = known(error, request)
            guard error.status == .notFound else { return error.response }
            return missing.value?.response(request, context) ?? error.response
        } catch let error as HTTPParserError {
            // The bytes are no HTTP any more: the server answers 400 and closes the connection.
            throw error
        } catch is CancellationError {
            return GatewayError(.serviceUnavailable, "stopping", "The gateway is stopping.", retryAfter: 2).response
        } catch {
            context.logger.error("\(request.method) \(request.uri.path): \(error)")
            return GatewayError(.internalServerError, "internal", "Something went wrong; the log says what.").response
        }
    }

    /// What the framework itself refuses.
    private func known(_ error: any HTTPResponseError, _ request: Request) -> GatewayError {
        guard error.status == .notFound else {
            return GatewayError(error.status, "http_\(error.status.code)", error.status.reasonPhrase)
        }
        guard let allowed = methods.value?.methods(of: request.uri.path) else {
            return .notFound("There is nothing at this address.")
        }
        var wrong = GatewayError(
            .methodNotAllowed,
            "method_not_allowed",
            "This address has " + allowed.joined(separator: " and ") + "."
        )
        wrong.headers[.allow] = allowed.joined(separator: ", ")
        return wrong
    }
}

extension HTTPField.Name {
    static let referrerPolicy = HTTPField.Name.known("Referrer-Policy")
    static let secFetchSite = HTTPField.Name.known("Sec-Fetch-Site")
    static let xFrameOptions = HTTPField.Name.known("X-Frame-Options")
    static let xAccelBuffering = HTTPField.Name.known("X-Accel-Buffering")
    static let lastEventID = HTTPField.Name.known("Last-Event-ID")

    /// A name that is written in this program's text and therefore well formed.
    private static func known(_ name: String) -> HTTPField.Name {
        guard let name = HTTPField.Name(name) else { preconditionFailure("no header can be called \(name)") }
        return name
    }
}
