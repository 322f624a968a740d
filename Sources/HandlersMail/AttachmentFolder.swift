import Glibc
public import SMTP

/// The one folder whose files may be attached.
///
/// Paths come from task arguments and are believed nothing: a file is opened first and then asked where it really is,
/// so that neither `..` nor a link, nor a link put there in between, leads outside.
public struct AttachmentFolder: Sendable {
    /// The folder, links resolved.
    public let root: String

    /// Names a folder that exists; throws when it does not.
    public init(_ folder: String) throws(MailFormatError) {
        guard let resolved = realpath(folder, nil) else { throw MailFormatError("is not a folder: \(folder)") }
        defer { free(resolved) }
        var status = stat()
        guard stat(resolved, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
            throw MailFormatError("is not a folder: \(folder)")
        }
        root = String(cString: resolved)
    }

    /// The content of the regular file at `path` below the folder, when it has at most `limit` bytes.
    public func read(_ path: String, limit: Int) throws(MailFormatError) -> [UInt8] {
        guard !path.utf8.contains(0) else { throw MailFormatError("must not contain NUL") }
        let full = path.hasPrefix("/") ? path : root + "/" + path
        // Non-blocking, so that a named pipe does not hold the task up.
        let descriptor = open(full, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
        guard descriptor >= 0 else { throw MailFormatError("cannot be read: \(path.quotedForMessage)") }
        defer { close(descriptor) }
        guard let place = Self.place(of: descriptor), place.hasPrefix(root == "/" ? root : root + "/") else {
            throw MailFormatError("lies outside the attachment folder: \(path.quotedForMessage)")
        }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw MailFormatError("is not a file: \(path.quotedForMessage)")
        }
        guard status.st_size <= limit else {
            throw MailFormatError("has more than \(limit) bytes: \(path.quotedForMessage)")
        }
        guard let bytes = Self.content(of: descriptor, limit: limit) else {
            throw MailFormatError("cannot be read: \(path.quotedForMessage)")
        }
        return bytes
    }

    private static func place(of descriptor: Int32) -> String? {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let length = readlink("/proc/self/fd/\(descriptor)", &buffer, buffer.count)
        guard length > 0, length < buffer.count else { return nil }
        return String(decoding: buffer.prefix(length).map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    /// `nil` when reading fails or the file grew past the limit meanwhile.
    private static func content(of descriptor: Int32, limit: Int) -> [UInt8]? {
        var content: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            if count == 0 { return content }
            if count < 0 {
                if errno == EINTR { continue }
                return nil
            }
            content += chunk[..<count]
            if content.count > limit { return nil }
        }
    }
}
