/// A file that travels with a mail.
public struct MailAttachment: Sendable, Hashable {
    /// The name shown to the reader; never a path.
    public let name: String
    /// The media type, for example `application/pdf`.
    public let contentType: String
    /// The file's content.
    public let bytes: [UInt8]

    /// Names content; without a type it is guessed from the name's ending.
    ///
    /// Throws when the name or type holds control characters or is empty, or when the type is not `kind/subkind`.
    public init(name: String, contentType: String? = nil, bytes: [UInt8]) throws(MailFormatError) {
        try HeaderValue.refuseControls(in: name)
        let last = name.split(whereSeparator: { $0 == "/" || $0 == "\\" }).last.map { String($0).trimmed } ?? ""
        guard !last.isEmpty, last.utf8.count <= 255 else {
            throw MailFormatError("has no usable file name: \(name.quotedForMessage)")
        }
        let type = contentType ?? Self.guessedType(of: last)
        guard Self.isMediaType(type) else {
            throw MailFormatError("has no usable content type: \(type.quotedForMessage)")
        }
        self.name = last
        self.contentType = type.lowercased()
        self.bytes = bytes
    }

    private static func isMediaType(_ text: String) -> Bool {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, text.utf8.count <= 127 else { return false }
        // A multipart or message attachment would need an encoding of its own.
        guard !["multipart", "message"].contains(parts[0].lowercased()) else { return false }
        return parts.allSatisfy { part in
            !part.isEmpty
                && part.utf8.allSatisfy { byte in
                    (byte >= 33 && byte <= 126) && !"()<>@,;:\\\"/[]?=".utf8.contains(byte)
                }
        }
    }

    private static func guessedType(of name: String) -> String {
        guard let dot = name.lastIndex(of: ".") else { return "application/octet-stream" }
        return types[name[name.index(after: dot)...].lowercased()] ?? "application/octet-stream"
    }

    private static let types = [
        "pdf": "application/pdf", "zip": "application/zip", "json": "application/json", "xml": "application/xml",
        "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        "xls": "application/vnd.ms-excel", "doc": "application/msword", "txt": "text/plain", "log": "text/plain",
        "csv": "text/csv", "html": "text/html", "htm": "text/html", "ics": "text/calendar", "png": "image/png",
        "jpg": "image/jpeg", "jpeg": "image/jpeg", "gif": "image/gif", "svg": "image/svg+xml", "webp": "image/webp",
    ]
}
