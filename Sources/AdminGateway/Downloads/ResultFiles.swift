import CeleryMessage
import Inspection
import NIOPosix

/// Finds the files that a task's result names.
struct ResultFiles: Sendable {
    /// A file that is there.
    struct Found: Sendable, Hashable {
        /// Where it is.
        var place: FilePlace
        /// Bytes.
        var size: Int64
    }

    /// How many values of a result are looked at.
    static let mostValues = 10_000
    /// How many files of a result are shown.
    static let mostFiles = 100

    private let folders: [FolderPath]
    private let baseFolder: String

    init(folders: [String], baseFolder: String) {
        self.folders = folders.map(FolderPath.init)
        self.baseFolder = baseFolder
    }

    /// The paths of the folders.
    var paths: [String] { folders.map(\.path) }

    /// The files of a task that has succeeded, in the order of its result; those that are not there any more are left out.
    func files(of status: TaskStatus) async throws -> [Found] {
        // What a task stored may be anything, for example deeper than values may be.
        guard let record = status.record, record.status == .success, let value = try? record.value() else { return [] }
        let named = names(in: value)
        guard !named.isEmpty else { return [] }
        return try await NIOThreadPool.singleton.runIfActive {
            named.compactMap { place in
                OpenedFile.open(place.name, below: place.folder).map { Found(place: place, size: $0.size) }
            }
        }
    }

    /// The names in a result that lie below one of the folders, whether or not there is such a file.
    func names(in value: JSONValue) -> [FilePlace] {
        var found: [FilePlace] = []
        var seen: Set<FilePlace> = []
        var open = [value]
        var left = Self.mostValues
        while let value = open.popLast(), left > 0, found.count < Self.mostFiles {
            left -= 1
            switch value {
            case .array(let values): open += values.prefix(left).reversed()
            case .object(let object): open += object.prefix(left).map(\.value).reversed()
            case .string(let text):
                guard let file = name(of: text), seen.insert(file).inserted else { continue }
                found.append(file)
            default: break
            }
        }
        return found
    }

    private func name(of text: String) -> FilePlace? {
        guard !text.isEmpty, text.utf8.count <= 4096 else { return nil }
        let path = text.hasPrefix("/") ? text : "\(baseFolder)/\(text)"
        for folder in folders {
            guard let name = folder.name(of: path), OpenedFile.isFit(name) else { continue }
            return FilePlace(folder: folder.path, name: name)
        }
        return nil
    }
}
