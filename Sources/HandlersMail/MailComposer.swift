import CeleriacTasks
import CeleryMessage
import SMTP

/// Makes mails out of task arguments; shared by the single and the bulk task.
struct MailComposer: Sendable {
    private static let maximumRecipients = 1000
    private static let maximumAttachments = 100

    let from: MailAddress
    let attachments: AttachmentFolder?
    /// Bytes of all attachments of one mail together.
    let attachmentLimit: Int
    let templates: MailTemplates?

    /// The parameters of a mail whose first recipients are called `recipient`; a template makes texts optional.
    static func parameters(_ function: String, recipient: String, withTemplate: Bool) -> Parameters {
        let texts: [Parameters.Parameter] =
            withTemplate ? [.optional("subject", nil), .optional("body", nil)] : ["subject", "body"]
        return Parameters(
            function,
            [.init(stringLiteral: recipient)] + texts + [
                .optional("html", nil), .optional("cc", nil), .optional("bcc", nil), .optional("reply_to", nil),
                .optional("attachments", nil), .optional("template", nil), .optional("data", nil),
                .optional("message_id", nil), .optional("envelope_to", nil),
            ]
        )
    }

    /// Where `template` stands among the parameters when given by position.
    private static let templatePosition = 8

    /// Binds arguments: `subject` and `body` are required unless a template gives them.
    static func bind(
        _ arguments: TaskArguments,
        function: String,
        recipient: String
    ) throws(TaskFailure) -> BoundArguments {
        let positional = arguments.positional.count > templatePosition ? arguments.positional[templatePosition] : .null
        let template = arguments.keyword["template"] ?? positional
        // HTML alone is enough too: the text is made from it.
        let html = arguments.keyword["html"] ?? .null
        let parameters = Self.parameters(function, recipient: recipient, withTemplate: !template.isNull)
        var arguments = arguments
        if !html.isNull, template.isNull, arguments.positional.count < 3, arguments.keyword["body"] == nil {
            arguments.keyword["body"] = .null
        }
        return try parameters.bind(arguments)
    }

    /// The mail those arguments ask for.
    func compose(
        _ bound: BoundArguments,
        recipient: String,
        messageID: String
    ) throws(TaskFailure) -> ComposedMail {
        var message = MailMessage(
            from: from,
            to: try addresses(recipient, in: bound),
            subject: "",
            messageID: messageID
        )
        message.cc = try addresses("cc", in: bound)
        message.bcc = try addresses("bcc", in: bound)
        message.replyTo = try addresses("reply_to", in: bound)
        if let given = try bound.optionalString("message_id") { message.messageID = try Self.messageID(given, bound) }
        try fill(&message, from: bound)
        message.attachments = try files(bound)
        guard !message.recipients.isEmpty else { throw bound.wrongValue(recipient, "names no recipient") }
        guard message.recipients.count <= Self.maximumRecipients else {
            throw bound.wrongValue(recipient, "names more than \(Self.maximumRecipients) recipients with cc and bcc")
        }
        let recipients = try envelope(of: message, bound)
        do {
            let content = try MIMEWriter.bytes(of: message)
            return ComposedMail(
                envelope: SMTPEnvelope(sender: from.address, recipients: recipients),
                messageID: message.messageID,
                content: content
            )
        } catch {
            throw bound.wrongValue("subject", error.message)
        }
    }

    // MARK: Texts

    private func fill(_ message: inout MailMessage, from bound: BoundArguments) throws(TaskFailure) {
        message.subject = try bound.optionalString("subject") ?? ""
        message.text = try bound.optionalString("body")
        message.html = try bound.optionalString("html")
        if let name = try bound.optionalString("template") {
            let rendered = try render(name, bound)
            if bound.value("subject").isNull { message.subject = rendered.subject ?? "" }
            message.text = message.text ?? rendered.text
            message.html = message.html ?? rendered.html
            guard !message.subject.isEmpty else {
                throw bound.wrongValue("template", "\(name.quotedForMessage) has no subject, and none was given")
            }
        }
        guard message.text != nil || message.html != nil else { throw bound.wrongType("body", expected: "str") }
        if bound.value("template").isNull, bound.value("subject").isNull {
            throw bound.wrongType("subject", expected: "str")
        }
        do {
            try HeaderValue.refuseControls(in: message.subject)
        } catch {
            throw bound.wrongValue("subject", error.message)
        }
    }

    private func render(_ name: String, _ bound: BoundArguments) throws(TaskFailure) -> MailTemplates.Rendered {
        guard let templates else {
            throw bound.wrongValue("template", "cannot be used: no templates folder is configured")
        }
        let data = bound.value("data").isNull ? JSONObject() : try bound.object("data")
        do {
            return try templates.render(name, data: data)
        } catch {
            throw bound.wrongValue("template", error.message)
        }
    }

    // MARK: Addresses

    /// A text with one or more addresses, or a list of such texts.
    private func addresses(_ name: String, in bound: BoundArguments) throws(TaskFailure) -> [MailAddress] {
        let value = bound.value(name)
        if value.isNull, name != "to", name != "to_email" { return [] }
        let texts: [JSONValue]
        switch value {
        case .string: texts = [value]
        case .array(let list): texts = list
        default: throw bound.wrongType(name, expected: "str or list")
        }
        var found: [MailAddress] = []
        for text in texts {
            guard let text = text.string else { throw bound.wrongValue(name, "must hold only str") }
            do {
                found += try MailAddress.list(text)
            } catch {
                throw bound.wrongValue(name, error.message)
            }
        }
        return found
    }

    /// Everybody, or those of them that `envelope_to` names.
    private func envelope(of message: MailMessage, _ bound: BoundArguments) throws(TaskFailure) -> [String] {
        guard !bound.value("envelope_to").isNull else { return message.recipients }
        let wanted = Set(try addresses("envelope_to", in: bound).map(\.address))
        let some = message.recipients.filter(wanted.contains)
        guard !some.isEmpty, some.count == wanted.count else {
            throw bound.wrongValue("envelope_to", "must name recipients of the mail")
        }
        return some
    }

    private static func messageID(_ text: String, _ bound: BoundArguments) throws(TaskFailure) -> String {
        let valid =
            (3...250).contains(text.utf8.count) && text.contains("@")
            && text.utf8.allSatisfy { $0 > 32 && $0 < 127 && $0 != UInt8(ascii: "<") && $0 != UInt8(ascii: ">") }
        guard valid else { throw bound.wrongValue("message_id", "must be like 'name@domain'") }
        return text
    }

    // MARK: Attachments

    private func files(_ bound: BoundArguments) throws(TaskFailure) -> [MailAttachment] {
        guard !bound.value("attachments").isNull else { return [] }
        let list = try bound.array("attachments")
        guard list.count <= Self.maximumAttachments else {
            throw bound.wrongValue("attachments", "holds more than \(Self.maximumAttachments) files")
        }
        var found: [MailAttachment] = []
        var room = attachmentLimit
        for (place, item) in list.enumerated() {
            do {
                let file = try file(item, room: room)
                room -= file.bytes.count
                found.append(file)
            } catch {
                throw bound.wrongValue("attachments[\(place)]", error.message)
            }
        }
        return found
    }

    /// A path, `{path, filename?, content_type?}` or `{filename, content, content_type?}` with base64 content.
    private func file(_ item: JSONValue, room: Int) throws(MailFormatError) -> MailAttachment {
        if let path = item.string { return try file(path: path, name: nil, type: nil, room: room) }
        guard let object = item.object else {
            throw MailFormatError("must be str or dict, not \(item.pythonTypeName)")
        }
        for key in object.keys where !["path", "filename", "content", "content_type"].contains(key) {
            throw MailFormatError("has an unknown key \(key.quotedForMessage)")
        }
        let name = try Self.text("filename", object)
        let type = try Self.text("content_type", object)
        switch (try Self.text("path", object), object["content"]) {
        case (let path?, nil): return try file(path: path, name: name, type: type, room: room)
        case (nil, let content?):
            guard let name else { throw MailFormatError("with content needs a filename") }
            return try MailAttachment(name: name, contentType: type, bytes: decoded(content, room: room))
        default: throw MailFormatError("must have either path or content")
        }
    }

    private static func text(_ key: String, _ object: JSONObject) throws(MailFormatError) -> String? {
        guard let value = object[key], !value.isNull else { return nil }
        guard let text = value.string else { throw MailFormatError("has a \(key) that is not str") }
        return text
    }

    private func file(
        path: String,
        name: String?,
        type: String?,
        room: Int
    ) throws(MailFormatError) -> MailAttachment {
        guard let attachments else { throw MailFormatError("cannot be a path: no attachment_root is configured") }
        let bytes = try attachments.read(path, limit: room)
        return try MailAttachment(name: name ?? path, contentType: type, bytes: bytes)
    }

    private func decoded(_ content: JSONValue, room: Int) throws(MailFormatError) -> [UInt8] {
        let bytes: [UInt8]?
        switch content {
        case .tagged(.bytes(let raw)): bytes = raw
        case .string(let text):
            // The decoder skips foreign bytes as Python's does; here they mean that the content is something else.
            let letters = text.utf8.filter { !$0.isSpace }
            bytes = letters.allSatisfy(\.isBase64) ? Base64.decode(letters) : nil
        default: throw MailFormatError("has content that is not base64 text")
        }
        guard let bytes else { throw MailFormatError("has content that is not base64 text") }
        guard bytes.count <= room else {
            throw MailFormatError("makes more than \(attachmentLimit) bytes of attachments")
        }
        return bytes
    }
}

extension UInt8 {
    fileprivate var isSpace: Bool { self == 32 || (9...13).contains(self) }

    fileprivate var isBase64: Bool {
        switch self {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "/"), UInt8(ascii: "="):
            true
        default: false
        }
    }
}
