public import CeleriacTasks
import CeleryMessage
public import SMTP

extension TaskFailure {
    /// The exception Python's `smtplib` raises for the same failure, so that clients catch what they know.
    public init(smtp error: SMTPError, sender: String) {
        let code: JSONValue = .int(Int64(error.reply?.code ?? 0))
        let text: JSONValue = .string(error.reply?.text ?? error.message)
        switch error.code {
        case .recipientsRefused:
            let refused = error.recipients.map { outcome -> (String, JSONValue) in
                (outcome.address, [.int(Int64(outcome.reply.code)), .string(outcome.reply.text)])
            }
            self = .smtplib("SMTPRecipientsRefused", [.object(JSONObject(refused))])
        case .senderRefused: self = .smtplib("SMTPSenderRefused", [code, text, .string(sender)])
        case .dataRefused: self = .smtplib("SMTPDataError", [code, text])
        case .authenticationFailed: self = .smtplib("SMTPAuthenticationError", [code, text])
        case .greetingRefused: self = .smtplib("SMTPConnectError", [code, text])
        case .serviceClosing: self = .smtplib("SMTPResponseException", [code, text])
        case .tlsNotOffered, .authenticationNotOffered:
            self = .smtplib("SMTPNotSupportedError", [.string(error.description)])
        case .disconnected, .shutDown: self = .smtplib("SMTPServerDisconnected", [.string(error.description)])
        case .injectedBytes, .protocolViolation, .messageTooLarge:
            self = .smtplib("SMTPException", [.string(error.description)])
        case .tlsFailed: self.init(module: "ssl", type: "SSLError", arguments: [.string(error.description)])
        case .connectFailed:
            self.init(module: "builtins", type: "ConnectionError", arguments: [.string(error.description)])
        case .timedOut: self.init(module: "builtins", type: "TimeoutError", arguments: [.string(error.description)])
        }
    }

    private static func smtplib(_ type: String, _ arguments: [JSONValue]) -> TaskFailure {
        TaskFailure(module: "smtplib", type: type, arguments: arguments)
    }
}
