import HTTPTypes
import Hummingbird

/// The arguments of a request as Flower takes them: in the address, or in a form.
///
/// Unlike elsewhere, names that mean nothing are no mistake, because Flower's clients send some.
struct FlowerArguments {
    private let form: Form

    init(_ request: Request, _ body: BodyReader) async throws {
        let query = request.uri.query ?? ""
        let isForm = request.headers[.contentType]?.lowercased().hasPrefix("application/x-www-form-urlencoded") ?? false
        guard isForm else {
            form = Form(encoded: query)
            return
        }
        form = Form(encoded: query + "&" + String(decoding: try await body.bytes(request), as: UTF8.self))
    }

    /// The value; `nil` where it is absent or empty.
    func text(_ name: String) throws -> String? {
        guard let text = form[name] else { return nil }
        guard NameParameter.isFit(text) else {
            throw GatewayError.invalid(name, "Expected 1 to 255 characters without spaces.")
        }
        return text
    }

    func required(_ name: String) throws -> String {
        guard let text = try text(name) else { throw GatewayError.invalid(name, "It is missing.") }
        return text
    }

    func integer(_ name: String, in range: ClosedRange<Int>) throws -> Int? {
        guard let text = form[name] else { return nil }
        guard let number = Int(text), range.contains(number) else {
            throw GatewayError.invalid(name, "Expected a whole number from \(range.lowerBound) to \(range.upperBound).")
        }
        return number
    }

    /// Seconds, a century at most.
    func seconds(_ name: String) throws -> Double? {
        guard let text = form[name] else { return nil }
        guard let number = Double(text), number >= 0, number <= 3_155_760_000 else {
            throw GatewayError.invalid(name, "Expected seconds, 0 or more.")
        }
        return number
    }

    func flag(_ name: String) throws -> Bool {
        switch form[name]?.lowercased() {
        case nil, "0", "false", "no", "off": false
        case "1", "true", "yes", "on": true
        default: throw GatewayError.invalid(name, "Expected true or false.")
        }
    }
}
