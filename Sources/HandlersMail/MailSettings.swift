import CeleriacTasks
import CeleryMessage
import Glibc
import SMTP

/// The options both mail handlers share.
///
/// | key | type | default |
/// | --- | --- | --- |
/// | `smtp` | block, see ``SMTPConfiguration`` | none: mails go to the outbox |
/// | `outbox` | folder | `outbox/mail` |
/// | `from` | address | required with `smtp`, else `celeriac@localhost` |
/// | `attachment_root` | folder | none: attachments come with the task only |
/// | `attachment_limit` | bytes | 26214400 |
/// | `templates` | folder | none |
/// | `retry_delay` | seconds before the first retry, doubled at each | the task's own policy |
/// | `stagger` | milliseconds between the mails of a bulk task | 0 |
/// | `item_retries` | how often a bulk task tries a mail again that was refused for now | 2 |
/// | `item_retry_delay` | seconds before the first such try, doubled at each | 5 |
struct MailSettings: Sendable {
    let transport: MailTransport
    let composer: MailComposer
    let retryDelay: Duration?
    let stagger: Duration
    let itemRetries: Int
    let itemRetryDelay: Duration

    init(_ setup: HandlerSetup) throws {
        let options = setup.options
        try options.refuseUnknown(except: [
            "smtp", "outbox", "from", "attachment_root", "attachment_limit", "templates", "retry_delay", "stagger",
            "item_retries", "item_retry_delay",
        ])
        transport = try Self.transport(setup)
        composer = MailComposer(
            from: try Self.sender(options),
            attachments: try options.string("attachment_root").map { folder in
                try Self.checked(options, "attachment_root") { () throws(MailFormatError) in
                    try AttachmentFolder(setup.path(folder))
                }
            },
            attachmentLimit: try options.int("attachment_limit", in: 0...1_073_741_824) ?? 25 << 20,
            templates: try options.string("templates").map { folder in
                try Self.checked(options, "templates") { () throws(MailFormatError) in
                    try MailTemplates(folder: setup.path(folder))
                }
            }
        )
        retryDelay = try options.seconds("retry_delay", in: 0...86_400)
        stagger = .milliseconds(try options.int("stagger", in: 0...3_600_000) ?? 0)
        itemRetries = try options.int("item_retries", in: 0...20) ?? 2
        itemRetryDelay = try options.seconds("item_retry_delay", in: 0...3600) ?? .seconds(5)
    }

    private static func transport(_ setup: HandlerSetup) throws(HandlerOptionError) -> MailTransport {
        let outbox = try setup.options.string("outbox")
        guard let block = try setup.options.block("smtp") else {
            return .outbox(MailOutbox(folder: setup.path(outbox ?? "outbox/mail")))
        }
        guard outbox == nil else { throw setup.options.error("outbox", "cannot stand beside smtp") }
        let configuration = try SMTPConfiguration(block, path: setup.path)
        if let file = configuration.authorityFile, access(file, R_OK) != 0 {
            throw block.error("ca_file", "cannot be read: \(file)")
        }
        return .smtp(SMTPClient(configuration: configuration))
    }

    private static func sender(_ options: OptionReader) throws(HandlerOptionError) -> MailAddress {
        guard let text = try options.string("from") else {
            guard options.value("smtp") == nil else { throw options.error("from", "is required with smtp") }
            return try checked(options, "from") { () throws(MailFormatError) in try MailAddress("celeriac@localhost") }
        }
        return try checked(options, "from") { () throws(MailFormatError) in try MailAddress(text) }
    }

    private static func checked<Value>(
        _ options: OptionReader,
        _ key: String,
        _ make: () throws(MailFormatError) -> Value
    ) throws(HandlerOptionError) -> Value {
        do {
            return try make()
        } catch {
            throw options.error(key, error.message)
        }
    }
}
