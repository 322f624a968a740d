import HTTPTypes
import Hummingbird
import Synchronization

/// Which methods each address has, to answer 405 where another method would have been right.
struct MethodTable: Sendable {
    private struct Route: Sendable {
        let parts: [String]
        var methods: [String]
    }

    private let routes: [Route]

    init(_ router: Router<GatewayContext>) {
        var byPath: [[String]: [String]] = [:]
        for route in router.routes {
            let parts = "\(route.path)".split(separator: "/").map(String.init)
            byPath[parts, default: []].append(route.method.rawValue)
            if route.method == .get { byPath[parts, default: []].append("HEAD") }
        }
        // As the router does: a part that is written out comes before one that stands for any.
        routes = byPath.map { Route(parts: $0.key, methods: Array(Set($0.value)).sorted()) }
            .sorted { Self.openness($0.parts) < Self.openness($1.parts) }
    }

    /// Which parts stand for any text: `0` for each that is written out, `1` for each that is not.
    private static func openness(_ parts: [String]) -> String {
        parts.map { $0.hasPrefix("{") ? "1" : "0" }.joined()
    }

    /// Whether there is a route of exactly this path.
    func has(_ method: HTTPRequest.Method, exactly path: String) -> Bool {
        let parts = path.split(separator: "/").map(String.init)
        return routes.contains { $0.parts == parts && $0.methods.contains(method.rawValue) }
    }

    /// The methods of an address; `nil` where there is nothing at all.
    func methods(of path: String) -> [String]? {
        let parts = path.split(separator: "/")
        return routes.first { route in
            route.parts.count == parts.count
                && zip(route.parts, parts).allSatisfy { $0.hasPrefix("{") || $0[...] == $1 }
        }?.methods
    }
}

/// A value that is known only after those who need it were made.
final class FilledLater<Value: Sendable>: Sendable {
    private let state = Mutex<Value?>(nil)

    var value: Value? { state.withLock { $0 } }

    func fill(_ value: Value) { state.withLock { $0 = value } }
}
