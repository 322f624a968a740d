import CeleryMessage
import Glibc

/// Deletes old files below one folder without ever leaving it: folders are opened one by one by their descriptors,
/// links are neither followed nor deleted, and only plain files go.
struct OldFiles {
    /// What became of the files.
    struct Tally: Sendable, Hashable {
        /// Files deleted, or in a dry run those that would be.
        var deleted = 0
        /// Their bytes.
        var bytes: Int64 = 0
        /// Files that fit the pattern and are too young.
        var kept = 0
        /// What went wrong, a path and a reason each.
        var errors: [String] = []
        /// All that went wrong, listed or not.
        var errorCount = 0

        static let listedErrors = 20

        mutating func fail(_ path: String, _ code: Int32) {
            errorCount += 1
            if errors.count < Self.listedErrors { errors.append("\(path): \(String(cString: strerror(code)))") }
        }
    }

    let files: CleanupOptions.Files
    let cutoff: Instant
    let isDryRun: Bool
    /// Called after every file that was looked at; throws to stop.
    let check: (Tally) throws -> Void

    /// Folders within folders that are searched.
    private static let depth = 32

    /// Adds what it did to `tally`.
    func delete(_ tally: inout Tally) throws {
        let descriptor = open(files.root, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return tally.fail(files.root, errno) }
        try search(descriptor, path: files.root, depth: 0, &tally)
    }

    /// Searches an open folder, which this call closes.
    private func search(_ descriptor: Int32, path: String, depth: Int, _ tally: inout Tally) throws {
        guard let folder = fdopendir(descriptor) else {
            tally.fail(path, errno)
            close(descriptor)
            return
        }
        defer { closedir(folder) }
        while let entry = readdir(folder) {
            let name = Self.name(entry)
            guard name != ".", name != ".." else { continue }
            var status = stat()
            guard fstatat(descriptor, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else { continue }
            switch status.st_mode & S_IFMT {
            case S_IFREG where fits(name):
                delete(name, status, in: descriptor, path: path, &tally)
                try check(tally)
            case S_IFDIR where files.isRecursive && depth < Self.depth:
                let below = openat(descriptor, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
                guard below >= 0 else {
                    tally.fail(path + "/" + name, errno)
                    continue
                }
                try search(below, path: path + "/" + name, depth: depth + 1, &tally)
            default: break
            }
        }
    }

    private func delete(
        _ name: String,
        _ status: stat,
        in descriptor: Int32,
        path: String,
        _ tally: inout Tally
    ) {
        let changed = Instant(
            microseconds: Int64(status.st_mtim.tv_sec) * 1_000_000 + Int64(status.st_mtim.tv_nsec) / 1_000
        )
        guard changed <= cutoff else {
            tally.kept += 1
            return
        }
        // ENOENT: log rotation was faster.
        guard isDryRun || unlinkat(descriptor, name, 0) == 0 || errno == ENOENT else {
            return tally.fail(path + "/" + name, errno)
        }
        tally.deleted += 1
        tally.bytes += Int64(status.st_size)
    }

    /// Hidden files fit only a pattern that begins with a dot.
    private func fits(_ name: String) -> Bool {
        files.patterns.contains { fnmatch($0, name, FNM_PERIOD) == 0 }
    }

    private static func name(_ entry: UnsafeMutablePointer<dirent>) -> String {
        withUnsafePointer(to: &entry.pointee.d_name) { tuple in
            tuple.withMemoryRebound(to: CChar.self, capacity: MemoryLayout.size(ofValue: tuple.pointee)) {
                String(cString: $0)
            }
        }
    }
}
