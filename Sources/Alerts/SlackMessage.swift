package import CeleryMessage

/// An alert in the form of Slack's incoming webhooks, which Mattermost and Rocket.Chat take too.
package enum SlackMessage {
    /// The body of the request.
    package static func json(_ alert: Alert, home: String?) -> JSONValue {
        let text = AlertText(alert, home: home)
        var attachment: JSONObject = [
            "color": alert.subject == .test ? "good" : "danger", "fallback": .string(escaped(text.title)),
            "title": .string(escaped(text.title)), "text": .string(escaped(text.body)),
            "fields": .array(
                text.facts.map { fact in
                    [
                        "title": .string(escaped(fact.name)), "value": .string(escaped(fact.value)),
                        "short": .bool(fact.value.count <= 40),
                    ]
                }
            ),
            "ts": .int(alert.lastSeen.microseconds / 1_000_000),
        ]
        if let link = text.link { attachment["title_link"] = .string(link) }
        return ["text": .string(escaped(text.title)), "attachments": [.object(attachment)]]
    }

    /// Without the three characters that begin links, mentions and entities: nothing in an alert may call a channel.
    private static func escaped(_ text: String) -> String {
        var out = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": out += "&amp;"
            case "<": out += "&lt;"
            case ">": out += "&gt;"
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out
    }
}
