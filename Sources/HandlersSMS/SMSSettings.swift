import CeleriacTasks
import CeleryMessage

/// The options both SMS handlers share.
///
/// | key | type | default |
/// | --- | --- | --- |
/// | `accounts` | block of accounts by company id; `default` serves all others | one account, the outbox |
/// | `gateway` and its keys | one account without `accounts` | |
/// | `outbox` | folder | `outbox/sms` when no gateway is configured |
/// | `country_code` | digits | `90` |
/// | `max_parts` | 1…255 | 10 |
/// | `timeout` | seconds | 30 |
/// | `on_lost_answer` | `retry`, `fail` | `retry` |
/// | `concurrency` | 1…100, requests of a bulk task at a time | 4 |
/// | `stagger` | milliseconds between the messages of a bulk task | 0 |
/// | `retry_delay` | seconds before the first retry, doubled at each | the task's own policy |
/// | `item_retries` | how often a bulk task tries a message again that was refused for now | 2 |
/// | `item_retry_delay` | seconds before the first such try, doubled at each | 5 |
struct SMSSettings: Sendable {
    private static let shared = [
        "accounts", "outbox", "country_code", "max_parts", "timeout", "on_lost_answer", "concurrency", "stagger",
        "retry_delay", "item_retries", "item_retry_delay",
    ]
    /// The account that serves companies without one of their own.
    static let defaultAccount = "default"

    let client: GatewayClient
    let accounts: [String: any SMSGateway]
    let countryCode: String
    let maximumParts: Int
    let retriesLostAnswers: Bool
    let concurrency: Int
    let stagger: Duration
    let retryDelay: Duration?
    let itemRetries: Int
    let itemRetryDelay: Duration

    init(_ setup: HandlerSetup) throws {
        let options = setup.options
        client = GatewayClient(timeout: try options.seconds("timeout", in: 1...600) ?? .seconds(30))
        accounts = try Self.accounts(setup, client: client)
        countryCode = try options.string("country_code") ?? "90"
        guard (1...3).contains(countryCode.utf8.count), countryCode.utf8.allSatisfy({ (48...57).contains($0) }),
            !countryCode.hasPrefix("0")
        else { throw options.error("country_code", "must be the digits of a country's code, without + or 0") }
        maximumParts = try options.int("max_parts", in: 1...255) ?? 10
        let word = try options.string("on_lost_answer") ?? "retry"
        guard ["retry", "fail"].contains(word) else { throw options.error("on_lost_answer", "must be retry or fail") }
        retriesLostAnswers = word == "retry"
        concurrency = try options.int("concurrency", in: 1...100) ?? 4
        stagger = .milliseconds(try options.int("stagger", in: 0...3_600_000) ?? 0)
        retryDelay = try options.seconds("retry_delay", in: 0...86_400)
        itemRetries = try options.int("item_retries", in: 0...20) ?? 2
        itemRetryDelay = try options.seconds("item_retry_delay", in: 0...3600) ?? .seconds(5)
    }

    private static func accounts(
        _ setup: HandlerSetup,
        client: GatewayClient
    ) throws(HandlerOptionError) -> [String: any SMSGateway] {
        let options = setup.options
        guard let block = try options.block("accounts") else {
            return [defaultAccount: try gateway(options, setup, known: shared, client: client)]
        }
        for key in ["gateway", "outbox"] where options.value(key) != nil {
            throw options.error(key, "belongs into an account when there are accounts")
        }
        try options.refuseUnknown(except: shared)
        guard !block.values.isEmpty else { throw options.error("accounts", "holds no account") }
        var accounts: [String: any SMSGateway] = [:]
        for key in block.values.keys {
            guard let account = try block.block(key) else { throw block.error(key, "is empty") }
            accounts[key] = try gateway(account, setup, known: ["outbox"], client: client)
        }
        return accounts
    }

    /// The gateway a block describes: by `gateway` and its keys, or by `outbox`, which is also the default.
    private static func gateway(
        _ options: OptionReader,
        _ setup: HandlerSetup,
        known: [String],
        client: GatewayClient
    ) throws(HandlerOptionError) -> any SMSGateway {
        guard let kind = try options.string("gateway") else {
            try options.refuseUnknown(except: known)
            return SMSOutbox(folder: setup.path(try options.string("outbox") ?? "outbox/sms"))
        }
        guard options.value("outbox") == nil else { throw options.error("outbox", "cannot stand beside gateway") }
        switch kind {
        case "netgsm":
            try options.refuseUnknown(except: known + ["gateway"] + NetgsmGateway.keys)
            return try NetgsmGateway(options, client: client)
        case "ileti_merkezi":
            try options.refuseUnknown(except: known + ["gateway"] + IletiMerkeziGateway.keys)
            return try IletiMerkeziGateway(options, client: client)
        case "twilio":
            try options.refuseUnknown(except: known + ["gateway"] + TwilioGateway.keys)
            return try TwilioGateway(options, client: client)
        default: throw options.error("gateway", "must be netgsm, ileti_merkezi or twilio, is \(kind)")
        }
    }

    /// The account for a company, with its name.
    func account(_ company: String?) -> (name: String, gateway: any SMSGateway)? {
        if let company, let own = accounts[company] { return (company, own) }
        return accounts[Self.defaultAccount].map { (Self.defaultAccount, $0) }
    }

    /// Whether another attempt is wanted after `error`.
    func isWorthRetrying(_ error: SMSError) -> Bool {
        error.code == .answerLost ? retriesLostAnswers : error.isTemporary
    }
}
