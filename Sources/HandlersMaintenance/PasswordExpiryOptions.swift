import CeleriacTasks
import CeleryMessage
import Databases

/// The options of `maintenance.check_password_expiry`.
struct PasswordExpiryOptions: Sendable {
    var database: SQLiteDatabase
    /// Finds users with `email`, and `expires_at` or `password_changed_at`; perhaps `id` and `name`.
    var query: String
    /// How long a password lasts.
    var maxAgeDays: Int
    /// How long before the end users are told.
    var warnDays: Int
    /// Days between two mails about the same password.
    var repeatDays: Int
    /// Whether passwords that have expired already get a mail too.
    var includesExpired: Bool
    /// Mails per run; who is left out is found by the next run.
    var maxMails: Int
    /// The wire name of the task that sends a mail.
    var sendTask: String
    /// The queue for it, or `nil` for where it goes by itself.
    var queue: String?
    var subject: MailText
    var body: MailText
    var expiredSubject: MailText
    var expiredBody: MailText
    /// Remembers who was told.
    var notices: PasswordNotices
    /// The wall clock.
    var now: @Sendable () -> Instant = Instant.now

    private static let keys = [
        "database", "query", "max_age_days", "warn_days", "repeat_days", "include_expired", "max_mails", "send_email",
        "queue", "subject", "body", "expired_subject", "expired_body", "notices",
    ]

    /// Fits the demo database's users.
    static let defaultQuery = """
        select id, email, full_name as name, password_changed_at from users
        where is_active = 1 and password_changed_at < :changed_before order by password_changed_at
        """

    /// Reads and checks the options; the databases are opened by the first run.
    init(_ setup: HandlerSetup) throws(HandlerOptionError) {
        let options = setup.options
        try options.refuseUnknown(except: Self.keys)
        database = try options.database("database", setup, mode: .readOnly)
        query = try options.sql("query") ?? Self.defaultQuery
        maxAgeDays = try options.int("max_age_days", in: 1...36_500) ?? 90
        warnDays = try options.int("warn_days", in: 0...3_650) ?? 7
        repeatDays = try options.int("repeat_days", in: 1...3_650) ?? 7
        includesExpired = try options.bool("include_expired") ?? false
        maxMails = try options.int("max_mails", in: 1...10_000) ?? 1_000
        sendTask = try options.string("send_email") ?? "backend.tasks.email_tasks.send_email"
        queue = try options.string("queue")
        subject = try options.mailText("subject") ?? .subject
        body = try options.mailText("body") ?? .body
        expiredSubject = try options.mailText("expired_subject") ?? .expiredSubject
        expiredBody = try options.mailText("expired_body") ?? .expiredBody
        let path = try options.block("notices").map { (block) throws(HandlerOptionError) in
            try block.refuseUnknown(except: ["sqlite"])
            return try block.requiredString("sqlite")
        }
        notices = PasswordNotices(path: setup.path(path ?? "password-notices.sqlite3"))
    }
}

extension OptionReader {
    fileprivate func mailText(_ key: String) throws(HandlerOptionError) -> MailText? {
        guard let text = try string(key) else { return nil }
        guard let wrong = MailText.unknownPlaceholder(in: text) else { return MailText(text) }
        let known = MailText.Placeholder.allCases.map { "{\($0.rawValue)}" }.joined(separator: ", ")
        throw error(key, "has the unknown placeholder {\(wrong)}; known are \(known)")
    }
}
