#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A folder of zone files, such as `/usr/share/zoneinfo`.
///
/// Zone names come from files that people write. A name never leads out of the folder: neither by its parts nor through
/// a link, and whatever is no regular file is not opened.
struct ZoneFolder {
    var path: String

    /// Where systems keep their zones, `TZDIR` before all.
    static var system: [ZoneFolder] {
        let own = getenv("TZDIR").map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : [$0] }
        let usual = ["/usr/share/zoneinfo", "/usr/lib/zoneinfo", "/usr/share/lib/zoneinfo", "/etc/zoneinfo"]
        return (own ?? usual).map(ZoneFolder.init)
    }

    /// Whether a text has the form of a zone's name: parts of letters, digits and `_+-.`, none of them `.` or `..`.
    static func isName(_ name: String) -> Bool {
        guard (1...100).contains(name.utf8.count) else { return false }
        return name.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).allSatisfy { part in
            guard let first = part.first, first != UInt8(ascii: "."), first != UInt8(ascii: "-") else { return false }
            return part.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "+"), UInt8(ascii: "-"),
                    UInt8(ascii: "."):
                    true
                default: false
                }
            }
        }
    }

    /// The bytes of a zone's file; `nil` when there is none by that name.
    func bytes(of name: String) -> [UInt8]? {
        guard Self.isName(name), let folder = Self.resolved(path), let file = Self.resolved("\(path)/\(name)"),
            file.hasPrefix(folder == "/" ? "/" : folder + "/")
        else { return nil }
        return Self.read(file)
    }

    /// The path without links; `nil` when there is nothing.
    private static func resolved(_ path: String) -> String? {
        guard let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    private static func read(_ path: String) -> [UInt8]? {
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size <= ZoneFile.longest else {
            return nil
        }
        var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
        var filled = 0
        while filled < bytes.count {
            let count = bytes.withUnsafeMutableBytes { space in
                pread(file, space.baseAddress.map { $0 + filled }, space.count - filled, off_t(filled))
            }
            guard count > 0 else { return nil }
            filled += count
        }
        return bytes
    }
}
