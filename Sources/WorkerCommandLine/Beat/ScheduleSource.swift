import CMalloc
import Glibc
package import Settings

/// Reads a schedule file, or complains about all of its problems at once; notices when it has been changed.
package struct ScheduleSource: Sendable {
    /// The file's name where none is given.
    package static let standard = "beat.yaml"

    package var path: String
    package var environment: [String: String]
    package var workingFolder = Environment.workingFolder
    /// Whether warnings are kept back.
    package var isQuiet = false

    package init(path: String?, environment: [String: String] = Environment.all) {
        self.path = path ?? Self.standard
        self.environment = environment
    }

    /// The schedule; warnings go to standard error, errors end the program with code 2.
    ///
    /// - Parameter timezone: the zone where the file names none.
    package func load(timezone: String?) throws -> ScheduleFile {
        let loaded = ScheduleFileLoader(
            path: path,
            environment: environment,
            timezone: timezone,
            workingFolder: workingFolder
        ).load()
        guard let schedule = loaded.schedule else {
            let text = loaded.report.description
            throw Complaint(text.hasSuffix("\n") ? String(text.dropLast()) : text, code: .usage)
        }
        if !isQuiet { for line in loaded.report.lines { Terminal.error(line) } }
        // Reading a large file takes several times what is kept of it; without this the process would stay that large.
        _ = malloc_trim(0)
        return schedule
    }

    /// Whether the file is there.
    package var exists: Bool { stamp != nil }

    /// What changes when the file does.
    package struct Stamp: Equatable, Sendable {
        var device: UInt
        var inode: UInt
        var size: Int
        var seconds: Int
        var nanoseconds: Int
    }

    /// The file as it stands; `nil` where there is none.
    package var stamp: Stamp? {
        var status = stat()
        let full = path.hasPrefix("/") ? path : workingFolder + "/" + path
        guard stat(full, &status) == 0 else { return nil }
        return Stamp(
            device: UInt(status.st_dev),
            inode: UInt(status.st_ino),
            size: Int(status.st_size),
            seconds: status.st_mtim.tv_sec,
            nanoseconds: status.st_mtim.tv_nsec
        )
    }
}
