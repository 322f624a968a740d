import CeleriacTasks
import CeleryMessage

/// One message of a task on its way; shared by the single and the bulk task.
struct SMSSending: Sendable {
    let settings: SMSSettings
    let message: SMSMessage
    let account: (name: String, gateway: any SMSGateway)
    let company: String?
    let length: SMSLength

    /// Checks the arguments; throws a `TypeError` or `ValueError` that names the wrong one.
    init(_ bound: BoundArguments, company: String?, settings: SMSSettings) throws(TaskFailure) {
        let phone: PhoneNumber
        do {
            phone = try PhoneNumber(try bound.string("phone"), home: settings.countryCode)
        } catch let error as PhoneNumberError {
            throw bound.wrongValue("phone", error.description)
        } catch let failure as TaskFailure {
            throw failure
        } catch {
            throw bound.wrongValue("phone", "\(error)")
        }
        let text = try bound.string("message")
        guard text.contains(where: { !$0.isWhitespace }) else { throw bound.wrongValue("message", "is empty") }
        guard !text.utf8.contains(0) else { throw bound.wrongValue("message", "must not contain NUL") }
        guard let account = settings.account(company) else {
            throw bound.wrongValue("company_id", "has no SMS account: \(company ?? "None")")
        }
        let length = SMSLength(text, turkishShift: account.gateway.hasTurkishShift)
        guard length.parts <= settings.maximumParts else {
            throw bound.wrongValue(
                "message",
                "takes \(length.parts) parts, at most \(settings.maximumParts) are allowed"
            )
        }
        self.settings = settings
        self.message = SMSMessage(phone: phone, text: text)
        self.account = account
        self.company = company
        self.length = length
    }

    /// A company id as accounts are named: text, or a whole number as text.
    static func company(_ bound: BoundArguments) throws(TaskFailure) -> String? {
        let value = bound.value("company_id")
        if value.isNull { return nil }
        guard let company = value.scalarText else { throw bound.wrongType("company_id", expected: "int or str") }
        return company
    }

    /// Sends the message once and tells how, as results show it.
    func send(name: String, isRepeat: Bool) async throws -> JSONObject {
        let attempt = SMSAttempt(name: name, isRepeat: isRepeat, company: company)
        let receipt = try await account.gateway.send(message, attempt: attempt)
        var result: JSONObject = [
            "status": "sent",
            "phone": .string(message.phone.e164),
            "transport": .string(account.gateway.name),
            "account": .string(account.name),
            "encoding": .string(length.encoding.rawValue),
            "parts": .int(Int64(length.parts)),
        ]
        if let id = receipt.id { result["id"] = .string(id) }
        if receipt.wasDuplicate { result["duplicate"] = true }
        if let file = receipt.file { result["file"] = .string(file) }
        return result
    }
}

extension TaskFailure {
    /// `SMSRefused` or `SMSUnavailable` with the message and the gateway's code.
    init(sms error: SMSError) {
        let type = error.isTemporary ? "SMSUnavailable" : "SMSRefused"
        var arguments: [JSONValue] = [.string(error.description)]
        if let code = error.gatewayCode { arguments.append(.string(code)) }
        self.init(module: "celeriac.exceptions", type: type, arguments: arguments)
    }
}
