public import Foundation

/// An empty folder for one test; it goes, with everything in it, when nobody holds it any more.
public final class ScratchFolder: Sendable {
    /// The folder's absolute path.
    public let path: String

    /// Makes a new folder below the system's temporary folder.
    public init() throws {
        path = NSTemporaryDirectory() + "celeriac-test-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    /// The path of a file in the folder.
    public func file(_ name: String) -> String { path + "/" + name }

    /// Writes a file into the folder and returns its path.
    @discardableResult
    public func write(_ content: Data, to name: String) throws -> String {
        try content.write(to: URL(fileURLWithPath: file(name)))
        return file(name)
    }

    /// The names of the files and folders in the folder, hidden ones too, sorted.
    public func names() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: path).sorted()
    }
}
