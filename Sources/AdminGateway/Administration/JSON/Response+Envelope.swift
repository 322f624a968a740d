import CeleryMessage
import HTTPTypes
import Hummingbird

extension Response {
    /// `{"success": true, "data": …}`, and what stands beside it.
    static func success(
        _ data: JSONValue,
        _ members: JSONObject = JSONObject(),
        status: HTTPResponse.Status = .ok
    ) -> Response {
        var body: JSONObject = ["success": true, "data": data]
        for (name, value) in members { body[name] = value }
        var response = Response.json(.object(body), status: status)
        response.headers[.cacheControl] = "no-store"
        return response
    }
}

extension JSONObject {
    /// Sets a member where there is a value; otherwise the member is left out.
    mutating func set(_ name: String, _ value: JSONValue?) { if let value { self[name] = value } }
    mutating func set(_ name: String, _ value: String?) { set(name, value.map(JSONValue.string)) }
    mutating func set(_ name: String, _ value: Int?) { set(name, value.map { JSONValue.int(Int64($0)) }) }
    mutating func set(_ name: String, _ value: Double?) { set(name, value.map(JSONValue.double)) }
}
