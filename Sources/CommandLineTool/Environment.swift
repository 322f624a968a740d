import FoundationEssentials
import Glibc

/// The process's surroundings, read once.
enum Environment {
    static let all = ProcessInfo.processInfo.environment

    /// The host's name as Celery prints it.
    static let hostname: String = {
        var name = [CChar](repeating: 0, count: 256)
        guard gethostname(&name, name.count - 1) == 0 else { return "localhost" }
        return String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }()

    /// This executable, for starting it again.
    static let executable: String = {
        var path = [CChar](repeating: 0, count: 4096)
        let length = readlink("/proc/self/exe", &path, path.count - 1)
        guard length > 0 else { return CommandLine.arguments[0] }
        return String(decoding: path.prefix(length).map(UInt8.init(bitPattern:)), as: UTF8.self)
    }()

    /// The processors this process may use.
    static var processors: Int { max(1, ProcessInfo.processInfo.activeProcessorCount) }

    static var workingFolder: String { FileManager.default.currentDirectoryPath }
}
