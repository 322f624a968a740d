import CeleryMessage
package import HTTPTypes
package import Hummingbird
import Inspection

/// An answer that is no success: a status, a code for programs, a sentence for people, and the field it is about.
package struct GatewayError: Error, HTTPResponseError {
    package let status: HTTPResponse.Status
    /// A stable name of what went wrong.
    let code: String
    /// A sentence that repeats nothing of what was sent.
    let message: String
    /// The parameter, header or member of the body that was wrong.
    var field: String?
    /// After how many seconds trying again makes sense.
    var retryAfter: Int?
    /// Headers beside those that every error has.
    var headers: HTTPFields = [:]

    init(
        _ status: HTTPResponse.Status,
        _ code: String,
        _ message: String,
        field: String? = nil,
        retryAfter: Int? = nil
    ) {
        self.status = status
        self.code = code
        self.message = message
        self.field = field
        self.retryAfter = retryAfter
    }

    /// A request that can never succeed as it is.
    static func invalid(_ field: String, _ message: String) -> GatewayError {
        GatewayError(.badRequest, "invalid", message, field: field)
    }

    static func notFound(_ message: String) -> GatewayError { GatewayError(.notFound, "not_found", message) }

    /// What a failure of the deployment is to those who ask; what exactly happened is for the log.
    static func deployment(_ error: InspectionError) -> GatewayError {
        switch error.code {
        case .noResultBackend: GatewayError(.serviceUnavailable, "no_results", "This deployment stores no results.")
        case .undecodable:
            GatewayError(.internalServerError, "undecodable", "What is stored for this task cannot be read.")
        case .unencodable:
            GatewayError(.internalServerError, "unencodable", "This cannot be written as result_serializer says.")
        case .busy: GatewayError(.serviceUnavailable, "busy", "Too many tasks run here already.", retryAfter: 5)
        case .refused:
            GatewayError(
                .serviceUnavailable,
                "unavailable",
                "Redis refused a command; the gateway's log says why.",
                retryAfter: 2
            )
        default: GatewayError(.serviceUnavailable, "unavailable", "Redis does not answer.", retryAfter: 2)
        }
    }

    package func response(from request: Request, context: some RequestContext) throws -> Response { response }

    var response: Response {
        var body: JSONObject = ["success": false, "error": .string(message), "code": .string(code)]
        if let field { body["field"] = .string(field) }
        var response = Response.json(.object(body), status: status)
        response.headers.append(contentsOf: headers)
        if let retryAfter { response.headers[.retryAfter] = String(retryAfter) }
        response.headers[.cacheControl] = "no-store"
        return response
    }
}

extension Response {
    /// A JSON body.
    static func json(_ value: JSONValue, status: HTTPResponse.Status = .ok) -> Response {
        Response(
            status: status,
            headers: [.contentType: "application/json; charset=utf-8"],
            body: ResponseBody(byteBuffer: WebJSON.buffer(value))
        )
    }
}
