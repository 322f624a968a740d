import CeleryMessage
import HTTPTypes
import Hummingbird
import HummingbirdCore
import NIOCore

/// Reads a request's body: JSON of a bounded size, depth and time.
struct BodyReader: Sendable {
    let largest: Int
    let longest: Duration

    /// The members of the body, an object.
    func object(_ request: Request) async throws -> JSONObject {
        try Self.checkType(request)
        return try decoded(try await bytes(request))
    }

    /// The members of the body, whatever its type says; none where it is empty.
    ///
    /// Only for addresses that want a token: a page of another origin can send a text, but no token.
    func objectOfAnyType(_ request: Request) async throws -> JSONObject {
        let bytes = try await bytes(request)
        return bytes.isEmpty ? JSONObject() : try decoded(bytes)
    }

    private func decoded(_ bytes: [UInt8]) throws -> JSONObject {
        let value: JSONValue
        do throws(JSONError) {
            value = try JSONReader.value(bytes, limits: JSONLimits(depth: 100, bytes: largest))
        } catch {
            throw GatewayError.invalid("body", "The body is not JSON that can be read.")
        }
        guard let object = value.object else { throw GatewayError.invalid("body", "The body is not a JSON object.") }
        return object
    }

    /// The members of the body; none where the request has no body, as many clients ask for a mere change.
    func optionalObject(_ request: Request) async throws -> JSONObject {
        guard request.headers[.contentType] == nil else { return try await object(request) }
        guard try await bytes(request).isEmpty else {
            try Self.checkType(request)
            return JSONObject()
        }
        return JSONObject()
    }

    /// JSON only: a form, which a page of any origin may send, is refused.
    private static func checkType(_ request: Request) throws {
        let type = request.headers[.contentType]?.prefix { $0 != ";" }.lowercased().filter { $0 != " " }
        guard type == "application/json" else {
            throw GatewayError(
                .unsupportedMediaType,
                "unsupported_media_type",
                "Expected Content-Type: application/json.",
                field: "Content-Type"
            )
        }
    }

    func bytes(_ request: Request) async throws -> [UInt8] {
        let body = request.body
        let (largest, longest) = (largest, longest)
        // Who says beforehand that it will be too much is not waited for.
        if let length = request.headers[.contentLength].flatMap({ Int($0) }), length > largest { throw tooLarge }
        return try await withThrowingTaskGroup(of: [UInt8].self) { group in
            defer { group.cancelAll() }
            group.addTask {
                do {
                    return Array(try await body.collect(upTo: largest).readableBytesView)
                } catch is NIOTooManyBytesError {
                    throw tooLarge
                }
            }
            group.addTask {
                try await Task.sleep(for: longest)
                throw GatewayError(.requestTimeout, "timeout", "The body did not come in time.", field: "body")
            }
            return try await group.next() ?? []
        }
    }

    private var tooLarge: GatewayError {
        GatewayError(.contentTooLarge, "too_large", "The body has more than \(largest) bytes.", field: "body")
    }
}
