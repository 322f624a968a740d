import CeleriacTasks
import CeleryMessage

/// Netgsm's REST interface, version 2.
///
/// It answers with HTTP 200 to failures too; the `code` in the body counts. Keys of the account: `username`,
/// `password`, `header` (the approved sender), `iys_filter` (`0` information, `11` advertising to persons, `12` to
/// merchants; default `0`), `base_url`.
public struct NetgsmGateway: SMSGateway {
    /// `netgsm`.
    public let name = "netgsm"
    /// Yes, by `encoding: TR`.
    public let hasTurkishShift = true
    static let keys = ["username", "password", "header", "iys_filter", "base_url"]
    private static let defaultURL = "https://api.netgsm.com.tr"

    private let url: String
    private let authorization: String
    private let header: String
    private let filter: String
    private let client: GatewayClient

    init(_ options: OptionReader, client: GatewayClient) throws(HandlerOptionError) {
        url = try GatewayURL.read(options, fallback: Self.defaultURL) + "/sms/rest/v2/send"
        authorization = BasicLogin.header(
            try options.requiredString("username"),
            try options.requiredString("password")
        )
        header = try options.requiredString("header")
        filter = try options.string("iys_filter") ?? "0"
        guard ["0", "11", "12"].contains(filter) else { throw options.error("iys_filter", "must be 0, 11 or 12") }
        self.client = client
    }

    /// Sends one message as one order.
    public func send(_ message: SMSMessage, attempt: SMSAttempt) async throws -> SMSReceipt {
        var body: JSONObject = [
            "msgheader": .string(header),
            "messages": [["msg": .string(message.text), "no": .string(message.phone.turkishDialling)]],
            "iysfilter": .string(filter),
        ]
        // Without it letters outside the basic alphabet are replaced by their nearest Latin ones.
        if SMSLength(message.text).encoding != .gsm7 { body["encoding"] = "TR" }
        let answer = try await client.post(
            url,
            headers: [("Authorization", authorization), ("Content-Type", "application/json")],
            body: JSONWriter.bytes(.object(body)),
            gateway: name
        )
        return try Self.receipt(answer)
    }

    static func receipt(_ answer: GatewayClient.Answer) throws(SMSError) -> SMSReceipt {
        let json = answer.json
        guard let code = json?["code"]?.scalarText else { throw GatewayAnswer.failure(answer, gateway: "netgsm") }
        if code == "00" { return SMSReceipt(id: json?["jobid"]?.scalarText) }
        let text = json?["description"]?.string ?? meanings[code] ?? "unknown code"
        throw SMSError(
            temporary.contains(code) ? .unavailable : .refused,
            gateway: "netgsm",
            gatewayCode: code,
            message: GatewayAnswer.shortened(text)
        )
    }

    private static let temporary: Set<String> = ["80", "85", "100", "101"]
    private static let meanings = [
        "20": "the text is too long or faulty", "30": "wrong user name or password, or address not allowed",
        "40": "the sender is not approved", "50": "the account may not send through İYS",
        "51": "no İYS brand is known for the account", "70": "a parameter is wrong or missing",
        "80": "too many requests", "85": "too many messages to the same number", "100": "system error",
        "101": "system error",
    ]
}
