import CeleryMessage
import Crypto

/// Somebody who has typed a token into the login page.
struct Session: Sendable, Hashable {
    /// The name of the user.
    var user: String
    /// After this moment the token has to be typed again.
    var expires: Instant
    /// Tells two sessions of one user apart.
    var nonce: String
    /// Stands for the token that was typed: a session ends with it.
    var mark = ""
}

/// Signs what a browser keeps for the gateway, so that it can be believed when it comes back.
struct SessionSeal: Sendable {
    private let key: SymmetricKey

    /// A seal with a key of its own, or with one that several gateways share.
    init(secret: String? = nil, ownKey: SymmetricKey = SymmetricKey(size: .bits256)) {
        key = secret.map { SymmetricKey(data: SHA256.hash(data: Array($0.utf8))) } ?? ownKey
    }

    /// The session as the value of a cookie.
    func cookie(_ session: Session) -> String {
        let text = "\(Self.hex(session.user.utf8)).\(session.expires.microseconds).\(session.nonce).\(session.mark)"
        return "\(text).\(mac("session", text))"
    }

    /// The session of a cookie; `nil` for one that was not signed here, or is too old.
    func session(_ cookie: String, now: Instant) -> Session? {
        guard cookie.utf8.count <= 2048, let dot = cookie.lastIndex(of: ".") else { return nil }
        let text = String(cookie[..<dot])
        guard Self.areEqual(mac("session", text), String(cookie[cookie.index(after: dot)...])) else { return nil }
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4, let user = Self.text(parts[0]), let expires = Int64(parts[1]) else { return nil }
        var session = Session(user: user, expires: Instant(microseconds: expires), nonce: String(parts[2]))
        session.mark = String(parts[3])
        return session.expires > now ? session : nil
    }

    /// What stands for a user's token in a session.
    func mark(_ user: GatewayUser) -> String { String(mac("token", Self.hex(user.tokenDigest)).prefix(32)) }

    /// Whether a session was begun with the token that the user has.
    func belongs(_ session: Session, to user: GatewayUser) -> Bool {
        session.user == user.name && Self.areEqual(session.mark, mark(user))
    }

    /// What a form of this session must carry: another site can send a form, but cannot know this.
    func formToken(_ session: Session) -> String { mac("form", "\(Self.hex(session.user.utf8)).\(session.nonce)") }

    /// Whether a form carries what it must.
    func accepts(_ formToken: String, of session: Session) -> Bool {
        Self.areEqual(formToken, self.formToken(session))
    }

    /// A short text with its signature, for a note that is shown once.
    func seal(_ note: String) -> String { "\(Self.hex(note.utf8)).\(mac("note", note))" }

    /// The text that ``seal(_:)`` signed.
    func open(_ sealed: String) -> String? {
        let parts = sealed.split(separator: ".")
        guard sealed.utf8.count <= 2048, parts.count == 2, let note = Self.text(parts[0]),
            Self.areEqual(mac("note", note), String(parts[1]))
        else { return nil }
        return note
    }

    private func mac(_ purpose: String, _ text: String) -> String {
        Self.hex(HMAC<SHA256>.authenticationCode(for: Array("\(purpose):\(text)".utf8), using: key))
    }

    private static func areEqual(_ left: String, _ right: String) -> Bool {
        TokenDigest.areEqual(Array(left.utf8), Array(right.utf8))
    }

    private static func hex(_ bytes: some Sequence<UInt8>) -> String {
        var out = ""
        for byte in bytes {
            out += byte < 16 ? "0" + String(byte, radix: 16) : String(byte, radix: 16)
        }
        return out
    }

    private static func text(_ digits: Substring) -> String? {
        let values = digits.compactMap(\.hexDigitValue)
        guard values.count == digits.count, values.count.isMultiple(of: 2) else { return nil }
        let bytes = stride(from: 0, to: values.count, by: 2).map { UInt8(values[$0] << 4 | values[$0 + 1]) }
        return String(validating: bytes, as: UTF8.self)
    }
}
