import CeleryMessage
import RemoteControl

/// Replies as Celery's command line prints them (`celery/bin/base.py`).
package enum ReplyText {
    /// What follows the arrow: the node, whether it went well, and the data, indented.
    static func lines(_ reply: ControlClient.Reply, showsData: Bool) -> String {
        let (status, text) = pretty(reply.value)
        let head = "->  \(safe(reply.node)): \(status)"
        return showsData && !text.isEmpty ? head + "\n" + indent(text) : head
    }

    private static func pretty(_ value: JSONValue) -> (status: String, text: String) {
        switch value {
        case .array(let values):
            let lines = values.map { "* " + safe($0.string ?? $0.pythonRepr) }
            return ("OK", lines.isEmpty ? "- empty -" : lines.joined(separator: "\n"))
        case .object(let object):
            if let ok = object["ok"] { return ("OK", indent(pretty(ok).text)) }
            if let error = object["error"] { return ("ERROR", indent(pretty(error).text)) }
            return ("OK", JSONWriter.pretty(value))
        case .string(let text): return ("OK", safe(text))
        default: return ("OK", value.pythonRepr)
        }
    }

    private static func indent(_ text: String) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false).map { "    " + $0 }.joined(separator: "\n")
    }

    /// Text from elsewhere without what a terminal would act on.
    package static func safe(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.map { scalar in
                    switch scalar.properties.generalCategory {
                    case .control where scalar != "\n" && scalar != "\t": "\u{FFFD}"
                    case .format: "\u{FFFD}"
                    default: scalar
                    }
                }
            )
        )
    }
}
