import CeleriacTasks
import CeleryMessage

/// What the gateways' answers have in common.
enum GatewayAnswer {
    /// The error for an answer that is not in the gateway's own form.
    static func failure(_ answer: GatewayClient.Answer, gateway: String) -> SMSError {
        let code = String(answer.status)
        let message = "HTTP \(answer.status)"
        switch answer.status {
        case 429, 500...599: return SMSError(.unavailable, gateway: gateway, gatewayCode: code, message: message)
        case 300..<500: return SMSError(.refused, gateway: gateway, gatewayCode: code, message: message)
        // Success without a word we know: it may well have been sent.
        default: return SMSError(.answerLost, gateway: gateway, gatewayCode: code, message: "unreadable answer")
        }
    }

    /// A gateway's text, short and printable: it goes to results and logs.
    static func shortened(_ text: String) -> String {
        String(text.unicodeScalars.prefix(200).map { $0.value < 32 || $0.value == 127 ? " " : Character($0) })
    }
}

extension JSONValue {
    /// Text, or a whole number as text: gateways write their codes either way.
    var scalarText: String? { string ?? int.map(String.init) }
}

/// The address of a gateway.
enum GatewayURL {
    /// `base_url` without a slash at its end, or `fallback`.
    static func read(_ options: OptionReader, fallback: String) throws(HandlerOptionError) -> String {
        guard let text = try options.string("base_url") else { return fallback }
        let valid =
            (text.hasPrefix("https://") || text.hasPrefix("http://"))
            && text.utf8.allSatisfy { $0 > 32 && $0 < 127 } && !text.contains("@") && !text.contains("?")
        guard valid else { throw options.error("base_url", "must be an http or https address without login or query") }
        return text.hasSuffix("/") ? String(text.dropLast()) : text
    }
}

/// HTTP's Basic authentication.
enum BasicLogin {
    static func header(_ user: String, _ password: String) -> String {
        "Basic " + String(decoding: Base64.encode(Array("\(user):\(password)".utf8)), as: UTF8.self)
    }
}
