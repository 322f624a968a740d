import CeleriacTasks
import CeleryMessage

/// Twilio's Messages resource.
///
/// Keys of the account: `account_sid`, `auth_token`, and `from` (a number or name) or `messaging_service_sid`;
/// `base_url`.
public struct TwilioGateway: SMSGateway {
    /// `twilio`.
    public let name = "twilio"
    /// No: any letter outside GSM-7 makes the message UCS-2.
    public let hasTurkishShift = false
    static let keys = ["account_sid", "auth_token", "from", "messaging_service_sid", "base_url"]
    private static let defaultURL = "https://api.twilio.com"

    private let url: String
    private let authorization: String
    private let sender: (key: String, value: String)
    private let client: GatewayClient

    init(_ options: OptionReader, client: GatewayClient) throws(HandlerOptionError) {
        let account = try options.requiredString("account_sid")
        // It becomes part of the address.
        guard !account.isEmpty, account.utf8.allSatisfy(FormEncoding.isPlain) else {
            throw options.error("account_sid", "must be letters and digits")
        }
        url =
            try GatewayURL.read(options, fallback: Self.defaultURL) + "/2010-04-01/Accounts/\(account)/Messages.json"
        authorization = BasicLogin.header(account, try options.requiredString("auth_token"))
        switch (try options.string("from"), try options.string("messaging_service_sid")) {
        case (let from?, nil): sender = ("From", from)
        case (nil, let service?): sender = ("MessagingServiceSid", service)
        default: throw options.error("from", "or messaging_service_sid must be given, not both")
        }
        self.client = client
    }

    /// Sends one message.
    public func send(_ message: SMSMessage, attempt: SMSAttempt) async throws -> SMSReceipt {
        let form = FormEncoding.encode([
            ("To", message.phone.e164), (sender.key, sender.value), ("Body", message.text),
        ])
        let answer = try await client.post(
            url,
            headers: [("Authorization", authorization), ("Content-Type", "application/x-www-form-urlencoded")],
            body: Array(form.utf8),
            gateway: name
        )
        return try Self.receipt(answer)
    }

    static func receipt(_ answer: GatewayClient.Answer) throws(SMSError) -> SMSReceipt {
        let json = answer.json
        if (200..<300).contains(answer.status), let sid = json?["sid"]?.string { return SMSReceipt(id: sid) }
        guard let code = json?["code"]?.scalarText else { throw GatewayAnswer.failure(answer, gateway: "twilio") }
        throw SMSError(
            answer.status == 429 || answer.status >= 500 ? .unavailable : .refused,
            gateway: "twilio",
            gatewayCode: code,
            message: GatewayAnswer.shortened(json?["message"]?.string ?? "HTTP \(answer.status)")
        )
    }
}

/// `application/x-www-form-urlencoded`.
enum FormEncoding {
    private static let hex = Array("0123456789ABCDEF".utf8)

    static func encode(_ fields: [(String, String)]) -> String {
        fields.map { "\(encode($0.0))=\(encode($0.1))" }.joined(separator: "&")
    }

    static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: false
        }
    }

    private static func encode(_ text: String) -> String {
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            if isPlain(byte) || "-._".utf8.contains(byte) {
                bytes.append(byte)
            } else {
                bytes += [UInt8(ascii: "%"), hex[Int(byte >> 4)], hex[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
