import CeleryMessage
import Schedules
import YAML

/// The options of an entry's message as its keys say.
struct OptionsDraft {
    var queue: String?
    var routingKey: String?
    var priority = 0
    var expires: EntryOptions.Expiry?
    var countdown: Duration?
    var eta: String?
    var headers = JSONObject()
    var timeLimit: Duration?
    var softTimeLimit: Duration?
    var ignoreResult: Bool?
    var serializer: Serializer?
    var compression: Compression?
    var shadow: String?

    /// The options as a value.
    var value: EntryOptions {
        EntryOptions(
            queue: queue ?? routingKey,
            priority: priority,
            expires: expires,
            countdown: countdown.map(Self.seconds),
            eta: eta,
            headers: headers,
            timeLimit: timeLimit.map(Self.seconds),
            softTimeLimit: softTimeLimit.map(Self.seconds),
            ignoresResult: ignoreResult,
            serializer: serializer?.rawValue,
            compression: compression?.rawValue,
            shadow: shadow
        )
    }

    private static func seconds(_ duration: Duration) -> Double {
        Double(duration.components.seconds) + Double(duration.components.attoseconds) / 1e18
    }

    /// The keys of an entry's options.
    static let settings: [Setting<OptionsDraft>] = [
        .name("queue", \.queue),
        .name("routing_key", \.routingKey),
        .int("priority", \.priority, in: 0...255),
        .optional("expires", "seconds or moment", \.expires) { $0.expiry($1) },
        .seconds("countdown", \.countdown),
        .optional("eta", "moment", \.eta) { $0.moment($1) },
        Setting("headers", "block") { node, options, reader in
            guard !reader.isNull(node), let value = reader.json(node) else { return }
            guard let object = value.object else {
                reader.error(node, "expected a block of headers")
                return
            }
            options.headers = object
        },
        .seconds("time_limit", \.timeLimit),
        .seconds("soft_time_limit", \.softTimeLimit),
        .bool("ignore_result", \.ignoreResult),
        .choice("serializer", \.serializer),
        .choice("compression", \.compression),
        .name("shadow", \.shadow),
    ]

    /// The same, for looking up.
    static let byName = Dictionary(settings.map { ($0.name, $0) }) { first, _ in first }

    /// What Celery's `apply_async` takes and nothing here can act on, and why.
    static let ignored: [String: String] = [
        "exchange": "the queue is what counts on Redis",
        "delivery_mode": "Redis keeps every message the same way",
        "retry": "sending is always tried again until the slot is dealt with",
        "retry_policy": "sending is always tried again until the slot is dealt with",
        "mandatory": "Redis has no such flag",
        "immediate": "Redis has no such flag",
    ]
}

extension SettingReader {
    /// Seconds, or a moment.
    fileprivate mutating func expiry(_ node: YAMLNode) -> EntryOptions.Expiry? {
        if let text = node.scalar?.text, Double(text) == nil { return moment(node).map { .at($0) } }
        return seconds(node).map { duration in
            .after(Double(duration.components.seconds) + Double(duration.components.attoseconds) / 1e18)
        }
    }

    /// The text of a moment.
    fileprivate mutating func moment(_ node: YAMLNode) -> String? {
        guard let text = node.scalar?.text, ISO8601.date(text) != nil else {
            error(node, "expected a moment such as 2027-03-01T09:00:00+03:00")
            return nil
        }
        return text
    }
}
