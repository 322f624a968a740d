import HTTPTypes
import Hummingbird
import NIOCore

/// The files that the pages need, served by the gateway itself.
enum Assets {
    private struct Asset: Sendable {
        var name: String
        var type: String
        var bytes: [UInt8]
    }

    private static let all = [
        Asset(name: "dashboard.css", type: "text/css; charset=utf-8", bytes: PackageResources.dashboard_css),
        Asset(name: "dashboard.js", type: "text/javascript; charset=utf-8", bytes: PackageResources.dashboard_js),
        Asset(name: "icon.svg", type: "image/svg+xml", bytes: PackageResources.icon_svg),
    ]

    /// Stands in the files' addresses, so that browsers may keep them for ever.
    static let version = EntityTag(ByteBuffer(bytes: all.flatMap(\.bytes))).text

    /// Adds the routes; the files say nothing of the deployment and need no login.
    static func add(to routes: some RouterMethods<GatewayContext>) {
        for asset in all {
            let body = ByteBuffer(bytes: asset.bytes)
            let tag = EntityTag(body)
            routes.get(RouterPath("/assets/\(asset.name)")) { request, _ in
                let headers: HTTPFields = [
                    .eTag: tag.header, .contentType: asset.type, .cacheControl: "public, max-age=31536000, immutable",
                ]
                guard !tag.matches(request.headers[.ifNoneMatch]) else {
                    return Response(status: .notModified, headers: [.eTag: tag.header])
                }
                return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: body))
            }
        }
    }
}
