/// A subject or body with places for facts: `{name}`, `{email}`, `{days}`, `{date}`.
///
/// Facts are put in as they are and never read for places again.
struct MailText: Sendable, Hashable {
    /// What a text can mention.
    enum Placeholder: String, Sendable, CaseIterable {
        case name
        case email
        /// Whole days left, or whole days since.
        case days
        /// The day the password expires, `31.12.2027`.
        case date
    }

    let text: String

    init(_ text: String) { self.text = text }

    static let subject = MailText("Şifrenizin süresi {days} gün içinde doluyor")
    static let body = MailText(
        """
        Sayın {name},

        Şifrenizin geçerlilik süresi {date} tarihinde doluyor. Kesinti yaşamamak için lütfen bu tarihten önce şifrenizi değiştirin.

        Bu ileti otomatik olarak gönderilmiştir; sizden hiçbir zaman e-posta ile şifre istenmez.
        """
    )
    static let expiredSubject = MailText("Şifrenizin süresi doldu")
    static let expiredBody = MailText(
        """
        Sayın {name},

        Şifrenizin geçerlilik süresi {date} tarihinde doldu. Lütfen en kısa sürede yeni bir şifre belirleyin.

        Bu ileti otomatik olarak gönderilmiştir; sizden hiçbir zaman e-posta ile şifre istenmez.
        """
    )

    /// The text with its places filled.
    func filled(_ facts: [Placeholder: String]) -> String {
        var filled = ""
        var rest = Substring(text)
        while let open = rest.firstIndex(of: "{"), let close = rest[open...].firstIndex(of: "}") {
            filled += rest[..<open]
            let name = String(rest[rest.index(after: open)..<close])
            filled += Placeholder(rawValue: name).flatMap { facts[$0] } ?? String(rest[open...close])
            rest = rest[rest.index(after: close)...]
        }
        return filled + rest
    }

    /// The first `{word}` that is no placeholder.
    static func unknownPlaceholder(in text: String) -> String? {
        var rest = Substring(text)
        while let open = rest.firstIndex(of: "{"), let close = rest[open...].firstIndex(of: "}") {
            let name = String(rest[rest.index(after: open)..<close])
            if Placeholder(rawValue: name) == nil { return name }
            rest = rest[rest.index(after: close)...]
        }
        return nil
    }
}
