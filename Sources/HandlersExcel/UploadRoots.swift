import Glibc

/// The folders uploads may lie in, and the only way to a file below them.
struct UploadRoots: Sendable {
    private let roots: [String]

    /// Why a path was not opened.
    ///
    /// None tells whether something exists outside of the roots.
    enum Refusal: Error, Sendable, Equatable {
        /// Not below any root, links included.
        case outside
        /// Nothing of that name there.
        case missing
        /// A folder, a device or something else that is not a plain file.
        case notAFile
        /// There, but not for this process to read.
        case unreadable
    }

    /// Takes absolute paths of folders.
    init(_ roots: [String]) { self.roots = roots.map(Self.withoutTrailingSlash) }

    /// Opens a file for reading and returns its descriptor, which the caller owns.
    ///
    /// Links are resolved and the result has to lie below a root; what is checked is the descriptor that was opened,
    /// so a link exchanged meanwhile gains nothing. A relative path starts at a root, or beside it when its first
    /// part is the root's own name: `uploads/users.xlsx` means the same file as `users.xlsx` below `…/uploads`.
    func open(_ path: String) throws(Refusal) -> Int32 {
        guard !path.isEmpty, path.utf8.count < 4096, !path.utf8.contains(0) else { throw .outside }
        guard !path.split(separator: "/").contains("..") else { throw .outside }
        var refusal = Refusal.outside
        for root in roots {
            guard let resolved = Self.resolve(root) else { continue }
            for candidate in Self.candidates(path, root: root) {
                do throws(Refusal) {
                    return try open(candidate, below: resolved)
                } catch {
                    if refusal == .outside { refusal = error }
                }
            }
        }
        throw refusal
    }

    private func open(_ candidate: String, below root: String) throws(Refusal) -> Int32 {
        guard let resolved = Self.resolve(candidate) else { throw .missing }
        guard resolved.hasPrefix(root + "/") else { throw .outside }
        // Not blocking, or a named pipe would hold the task until somebody writes to it.
        let descriptor = Glibc.open(resolved, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY)
        guard descriptor >= 0 else { throw errno == ENOENT ? .missing : .unreadable }
        var status = stat()
        let opened = Self.link("/proc/self/fd/\(descriptor)")
        guard opened.hasPrefix(root + "/"), fstat(descriptor, &status) == 0 else {
            close(descriptor)
            throw .outside
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            throw .notAFile
        }
        return descriptor
    }

    private static func candidates(_ path: String, root: String) -> [String] {
        guard !path.hasPrefix("/") else { return path.hasPrefix(root + "/") ? [path] : [] }
        let below = root + "/" + path
        guard let slash = root.lastIndex(of: "/"), path.split(separator: "/").first == root[slash...].dropFirst() else {
            return [below]
        }
        return [below, root[..<slash] + "/" + path]
    }

    private static func resolve(_ path: String) -> String? {
        guard let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    private static func link(_ path: String) -> String {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = buffer.withUnsafeMutableBytes { buffer in
            buffer.withMemoryRebound(to: CChar.self) { buffer in
                buffer.baseAddress.map { readlink(path, $0, buffer.count) } ?? 0
            }
        }
        return String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
    }

    private static func withoutTrailingSlash(_ path: String) -> String {
        var path = path
        while path.count > 1, path.hasSuffix("/") { path.removeLast() }
        return path
    }
}
