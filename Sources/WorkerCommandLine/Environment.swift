import FoundationEssentials
import Glibc

/// The process's surroundings, read once.
package enum Environment {
    package static let all = ProcessInfo.processInfo.environment

    /// The host's name as Celery prints it.
    package static let hostname: String = {
        var name = [CChar](repeating: 0, count: 256)
        guard gethostname(&name, name.count - 1) == 0 else { return "localhost" }
        return String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }()

    /// This executable, for starting it again: the running file itself, also after an upgrade has replaced it on disk.
    static let executable = "/proc/self/exe"

    /// The processors this process may use.
    static var processors: Int { max(1, ProcessInfo.processInfo.activeProcessorCount) }

    package static var workingFolder: String { FileManager.default.currentDirectoryPath }
}
