import Hummingbird
import HummingbirdCore

/// Reads a request's query; what it cannot understand is refused with the parameter's name.
struct QueryReader {
    private let parameters: FlatDictionary<Substring, Substring>

    /// Refuses parameters that are none: a misspelt one would have no effect.
    init(_ request: Request, known: Set<String>) throws {
        parameters = request.uri.queryParameters
        for (name, _) in parameters where !known.contains(String(name)) {
            throw GatewayError.invalid(Self.printable(name), "There is no parameter of that name.")
        }
        for name in known where parameters[values: name[...]].count > 1 {
            throw GatewayError.invalid(name, "The parameter stands there more than once.")
        }
    }

    /// The value of a parameter; `nil` where it is absent.
    func text(_ name: String) -> String? { parameters[name[...]].map(String.init) }

    /// Whether a flag is set: `?plain`, `?plain=1`, `?plain=true`.
    func flag(_ name: String) throws -> Bool {
        guard let text = text(name) else { return false }
        switch text {
        case "", "1", "true": return true
        case "0", "false": return false
        default: throw GatewayError.invalid(name, "Expected 1 or 0.")
        }
    }

    /// A whole number; `nil` where the parameter is absent.
    func integer(_ name: String, in range: ClosedRange<Int>) throws -> Int? {
        guard let text = text(name) else { return nil }
        guard let number = Int(text), range.contains(number) else {
            let bounds = "\(range.lowerBound) to \(range.upperBound)"
            throw GatewayError.invalid(name, "Expected a whole number from \(bounds).")
        }
        return number
    }

    /// Seconds from 0 to a limit; `nil` where the parameter is absent.
    func seconds(_ name: String, upTo limit: Duration) throws -> Duration? {
        guard let text = text(name) else { return nil }
        let most = limit.components.seconds
        guard let seconds = Double(text), seconds >= 0, seconds <= Double(most) else {
            throw GatewayError.invalid(name, "Expected seconds from 0 to \(most).")
        }
        return .seconds(seconds)
    }

    /// A name of a client's making, fit for an answer.
    private static func printable(_ name: Substring) -> String {
        String(String.UnicodeScalarView(name.unicodeScalars.prefix(64).filter { $0.isASCII && $0.value > 0x20 }))
    }
}
