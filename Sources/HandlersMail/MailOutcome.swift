import CeleriacTasks
import CeleryMessage
import SMTP

/// What became of a mail, as results show it.
enum MailOutcome {
    /// A mail that was taken: transport, message id, counts and every recipient's answer.
    static func json(_ receipt: MailTransport.Receipt, messageID: String, transport: String) -> JSONObject {
        let accepted = receipt.recipients.count(where: \.isAccepted)
        let deferred = receipt.recipients.count(where: \.isTemporary)
        var result: JSONObject = [
            "status": accepted == receipt.recipients.count ? "sent" : "partial",
            "transport": .string(transport),
            "message_id": .string("<\(messageID)>"),
            "accepted": .int(Int64(accepted)),
            "deferred": .int(Int64(deferred)),
            "refused": .int(Int64(receipt.recipients.count - accepted - deferred)),
            "recipients": .array(receipt.recipients.map(json)),
        ]
        if let reply = receipt.reply { result["reply"] = .string(reply.description) }
        if let file = receipt.file { result["file"] = .string(file) }
        return result
    }

    private static func json(_ outcome: RecipientOutcome) -> JSONValue {
        var object: JSONObject = ["address": .string(outcome.address)]
        if outcome.isAccepted {
            object["status"] = "accepted"
        } else {
            object["status"] = outcome.isTemporary ? "deferred" : "refused"
            object["code"] = .int(Int64(outcome.reply.code))
            object["text"] = .string(outcome.reply.text)
        }
        return .object(object)
    }

    /// A mail that was not taken.
    static func json(_ failure: TaskFailure, isTemporary: Bool) -> JSONObject {
        [
            "status": "failed",
            "error": [
                "type": .string(failure.type), "message": .string(failure.message), "temporary": .bool(isTemporary),
            ],
        ]
    }
}
