/// How a browser is told what a file is and how to call it.
enum AttachmentHeaders {
    /// The name for `Content-Disposition`, in letters everybody reads and, by RFC 5987, in the right ones.
    static func disposition(_ name: String) -> String {
        let plain = String(
            String.UnicodeScalarView(
                name.unicodeScalars.map { scalar in
                    let isPlain =
                        scalar.isASCII && scalar.value >= 0x20 && scalar != "\"" && scalar != "\\" && scalar != "%"
                    return isPlain && scalar.value != 0x7F ? scalar : "_"
                }
            )
        )
        guard plain != name else { return "attachment; filename=\"\(plain)\"" }
        return
            "attachment; filename=\"\(plain)\"; filename*=UTF-8''\(PercentEncoding.encoded(name).replacing("@", with: "%40"))"
    }

    /// The media type by the name's end; bytes where it is not known, or something a browser would run.
    static func type(_ name: String) -> String {
        let end = name.split(separator: ".").last.map { $0.lowercased() } ?? ""
        return types[end] ?? "application/octet-stream"
    }

    private static let types: [String: String] = [
        "pdf": "application/pdf", "csv": "text/csv; charset=utf-8", "txt": "text/plain; charset=utf-8",
        "log": "text/plain; charset=utf-8", "json": "application/json", "zip": "application/zip",
        "gz": "application/gzip", "png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg",
        "webp": "image/webp", "eml": "message/rfc822",
        "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "xls": "application/vnd.ms-excel",
        "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ]
}
