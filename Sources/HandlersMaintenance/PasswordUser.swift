import CeleryMessage
import Databases
import Foundation

/// A user as the configured query finds it.
struct PasswordUser: Sendable, Hashable {
    /// What tells users apart: their id, or the address where there is none.
    var key: String
    var email: String
    var name: String
    /// When the password stops working.
    var expires: Instant

    /// What is wrong with a row of the query.
    enum Problem: Error, Sendable, Equatable {
        /// Without an address a mail could go to.
        case noAddress
        /// Without a moment to count from.
        case noDate
    }

    /// Reads a row; a name that is missing becomes the address.
    init(_ row: SQLRow, maxAgeDays: Int) throws(Problem) {
        guard let email = row["email"]?.text.map(Self.cleaned), email.contains("@"), !email.contains(" ") else {
            throw .noAddress
        }
        if let expires = row["expires_at"]?.moment {
            self.expires = expires
        } else if let changed = row["password_changed_at"]?.moment {
            expires = changed + .seconds(maxAgeDays * 86_400)
        } else {
            throw .noDate
        }
        self.email = email
        let name = row["name"]?.text.map(Self.cleaned) ?? ""
        self.name = name.isEmpty ? email : name
        key = row["id"]?.text ?? email.lowercased()
    }

    /// The address as results and logs show it: `a***@example.com`.
    var maskedEmail: String {
        let halves = email.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
        guard halves.count == 2 else { return "***" }
        return halves[0].prefix(1) + "***@" + halves[1]
    }

    /// One line without control characters: names come from people and go into a subject.
    private static func cleaned(_ text: String) -> String {
        let plain = String(text.unicodeScalars.map { $0.properties.generalCategory == .control ? " " : Character($0) })
        return plain.trimmingCharacters(in: .whitespaces)
    }
}

extension SQLValue {
    /// A moment: a timestamp, ISO 8601 text read as UTC where it has no offset, or seconds since 1970.
    var moment: Instant? {
        switch self {
        case .timestamp(let date): Instant(seconds: date.timeIntervalSince1970)
        case .text(let text): ISO8601.date(text)
        case .int(let seconds): Instant(seconds: Double(seconds))
        case .double(let seconds): Instant(seconds: seconds)
        case .null, .bool, .decimal, .bytes: nil
        }
    }
}
