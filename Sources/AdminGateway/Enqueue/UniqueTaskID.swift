import CeleryMessage
import Crypto

/// The id of a task that is the same for the same work: `<task>:<tenant>:<sha256>`.
///
/// The digest is that of `{"type":…,"tenantId":…,"data":…}` in compact JSON, the members of the data by name at every level:
/// what `JSON.stringify` gives for sorted members.
enum UniqueTaskID {
    static let defaultTenant = "default"

    static func make(task: String, tenant: String?, data: JSONValue) -> String {
        let tenant = tenant ?? defaultTenant
        let text = WebJSON.bytes([
            "type": .string(task), "tenantId": .string(tenant), "data": sorted(data),
        ])
        let digest = SHA256.hash(data: text).map { byte in
            (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }
        return "\(task):\(tenant):\(digest.joined())"
    }

    private static func sorted(_ value: JSONValue) -> JSONValue {
        switch value {
        case .array(let values): .array(values.map(sorted))
        case .object(let object):
            .object(
                JSONObject(
                    object.map { ($0.key, sorted($0.value)) }.sorted {
                        $0.0.utf16.lexicographicallyPrecedes($1.0.utf16)
                    }
                )
            )
        default: value
        }
    }
}
