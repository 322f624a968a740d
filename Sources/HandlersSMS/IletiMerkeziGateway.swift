import CeleriacTasks
import CeleryMessage
import Crypto

/// İleti Merkezi's JSON interface.
///
/// Keys of the account: `key`, `secret`, `sender` (at most eleven ASCII characters), `iys` (whether consent is
/// checked, default false), `iys_list` (`BIREYSEL` or `TACIR`, with `iys`), `base_url`.
public struct IletiMerkeziGateway: SMSGateway {
    /// `ileti_merkezi`.
    public let name = "ileti_merkezi"
    /// Yes, chosen by the gateway.
    public let hasTurkishShift = true
    static let keys = ["key", "secret", "sender", "iys", "iys_list", "base_url"]
    private static let defaultURL = "https://api.iletimerkezi.com"

    private let url: String
    private let authentication: JSONValue
    private let sender: String
    private let checksConsent: Bool
    private let list: String
    private let client: GatewayClient

    init(_ options: OptionReader, client: GatewayClient) throws(HandlerOptionError) {
        url = try GatewayURL.read(options, fallback: Self.defaultURL) + "/v1/send-sms/json"
        let key = try options.requiredString("key")
        authentication = [
            "key": .string(key), "hash": .string(Self.hash(key: key, secret: try options.requiredString("secret"))),
        ]
        sender = try options.requiredString("sender")
        guard (1...11).contains(sender.utf8.count), sender.utf8.allSatisfy({ (32...126).contains($0) }) else {
            throw options.error("sender", "must be at most 11 ASCII characters")
        }
        checksConsent = try options.bool("iys") ?? false
        list = try options.string("iys_list") ?? "BIREYSEL"
        guard ["BIREYSEL", "TACIR"].contains(list) else { throw options.error("iys_list", "must be BIREYSEL or TACIR") }
        self.client = client
    }

    /// HMAC-SHA256 of the key under the secret, in hexadecimal.
    static func hash(key: String, secret: String) -> String {
        let code = HMAC<SHA256>.authenticationCode(for: Array(key.utf8), using: SymmetricKey(data: Array(secret.utf8)))
        return code.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    /// Sends one message as one order.
    public func send(_ message: SMSMessage, attempt: SMSAttempt) async throws -> SMSReceipt {
        let number = message.phone.digits.hasPrefix("90") ? message.phone.digits : message.phone.e164
        var order: JSONObject = [
            "sender": .string(sender), "sendDateTime": [], "iys": checksConsent ? "1" : "0",
            // The vendor's spelling.
            "message": ["text": .string(message.text), "receipents": ["number": [.string(number)]]],
        ]
        if checksConsent { order["iysList"] = .string(list) }
        let body: JSONValue = ["request": ["authentication": authentication, "order": .object(order)]]
        let answer = try await client.post(
            url,
            headers: [("Content-Type", "application/json")],
            body: JSONWriter.bytes(body),
            gateway: name
        )
        return try Self.receipt(answer, isRepeat: attempt.isRepeat)
    }

    static func receipt(_ answer: GatewayClient.Answer, isRepeat: Bool) throws(SMSError) -> SMSReceipt {
        let response = answer.json?["response"]
        let status = response?["status"]
        guard let code = status?["code"]?.scalarText else {
            throw GatewayAnswer.failure(answer, gateway: "ileti_merkezi")
        }
        if code == "200" { return SMSReceipt(id: response?["order"]?["id"]?.scalarText) }
        // The gateway knows this very order: at a second attempt that is the first one, whose answer was lost.
        if code == "451", isRepeat {
            var receipt = SMSReceipt(id: nil)
            receipt.wasDuplicate = true
            return receipt
        }
        let number = Int(code) ?? 0
        throw SMSError(
            number >= 500 || number == 429 ? .unavailable : .refused,
            gateway: "ileti_merkezi",
            gatewayCode: code,
            message: GatewayAnswer.shortened(status?["message"]?.string ?? meanings[code] ?? "unknown code")
        )
    }

    private static let meanings = [
        "401": "wrong key or secret", "402": "not enough credit", "422": "a value is wrong",
        "450": "the sender is not approved", "451": "the same order was sent before", "452": "the number is wrong",
        "453": "the order is too large", "454": "the text is empty", "457": "the date is wrong",
    ]
}
