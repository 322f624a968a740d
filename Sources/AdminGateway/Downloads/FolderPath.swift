import Glibc

/// A folder whose files may be downloaded, by the names under which results may know it.
struct FolderPath: Sendable, Hashable {
    /// As it was configured.
    let path: String
    /// The parts of the path as it was configured, and of the one its links lead to.
    private let spellings: [[String]]

    init(_ path: String) {
        self.path = path
        let real = realpath(path, nil).map { pointer in
            defer { free(pointer) }
            return String(cString: pointer)
        }
        spellings = [path, real].compactMap { $0.flatMap(Self.parts) }
    }

    /// The path of a file below the folder, by its absolute path; `nil` for anything else.
    func name(of file: String) -> String? {
        guard let parts = Self.parts(file) else { return nil }
        for folder in spellings where parts.count > folder.count && parts.starts(with: folder) {
            return parts.dropFirst(folder.count).joined(separator: "/")
        }
        return nil
    }

    /// The parts of an absolute path; `nil` for one that climbs, whether or not it comes back.
    private static func parts(_ path: String) -> [String]? {
        guard path.hasPrefix("/"), path.utf8.count <= 4096 else { return nil }
        let parts = path.split(separator: "/").map(String.init).filter { $0 != "." }
        return parts.contains("..") ? nil : parts
    }
}
