import HTTPTypes
import Hummingbird
import NIOCore

/// The fields of a form that was sent, or of an address' query.
struct Form: Sendable {
    private let fields: [(name: String, value: String)]

    init(_ fields: [(name: String, value: String)]) { self.fields = fields }

    /// Reads `name=value&…`; what is not well formed is left out.
    init(encoded text: some StringProtocol) {
        fields = text.split(separator: "&").prefix(2000).compactMap { pair in
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = Self.decoded(parts[0]), let value = parts.count > 1 ? Self.decoded(parts[1]) : "" else {
                return nil
            }
            return (name, value)
        }
    }

    /// The first value of a field; `nil` where it is absent or empty.
    subscript(name: String) -> String? {
        fields.first { $0.name == name }.flatMap { $0.value.isEmpty ? nil : $0.value }
    }

    /// Every value of a field.
    func all(_ name: String) -> [String] { fields.filter { $0.name == name && !$0.value.isEmpty }.map(\.value) }

    /// Every field but these.
    func without(_ names: Set<String>) -> [(name: String, value: String)] {
        fields.filter { !names.contains($0.name) }
    }

    private static func decoded(_ text: some StringProtocol) -> String? {
        PercentEncoding.decoded(String(text).replacing("+", with: " "))
    }
}

extension BodyReader {
    /// A form as browsers send it.
    func form(_ request: Request) async throws -> Form {
        let type = request.headers[.contentType]?.prefix { $0 != ";" }.lowercased().filter { $0 != " " }
        guard type == "application/x-www-form-urlencoded" else {
            throw GatewayError(
                .unsupportedMediaType,
                "unsupported_media_type",
                "Expected Content-Type: application/x-www-form-urlencoded.",
                field: "Content-Type"
            )
        }
        return Form(encoded: String(decoding: try await bytes(request), as: UTF8.self))
    }
}
