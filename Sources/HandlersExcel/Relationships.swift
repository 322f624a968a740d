/// The relationships of one package part: which other parts it refers to, by id.
final class Relationships: XMLEvents {
    struct Relationship: Sendable {
        var id: String
        var type: String
        var target: String
    }

    private(set) var list: [Relationship] = []
    private let folder: String
    private let limit: Int

    private init(folder: String, limit: Int) {
        self.folder = folder
        self.limit = limit
    }

    /// Reads the relationships of `part` (empty for the package itself); a part without any has none.
    static func of(_ part: String, in archive: ZipArchive) throws(WorkbookError) -> Relationships {
        let (folder, name) = split(part)
        let relationships = Relationships(folder: folder, limit: archive.limits.definitions)
        if let entry = try archive.open(folder + "_rels/" + name + ".rels") {
            try XMLStream.parse(entry, to: relationships, limits: archive.limits)
        }
        return relationships
    }

    /// The first relationship whose type ends in `/` and this word; the namespaces before it come in two kinds.
    func first(ofType word: String) -> Relationship? { list.first { $0.type.hasSuffix("/" + word) } }

    func start(_ name: XMLName, _ attributes: XMLAttributes) throws(WorkbookError) {
        guard name == "Relationship", attributes.text("TargetMode") != "External" else { return }
        guard let id = attributes.text("Id"), let type = attributes.text("Type"),
            let target = attributes.text("Target")
        else { return }
        guard list.count < limit else { throw WorkbookError(.hostile, "more than \(limit) relationships") }
        list.append(Relationship(id: id, type: type, target: Self.resolve(target, from: folder)))
    }

    func end(_ name: XMLName) {}
    func text(_ piece: UnsafeBufferPointer<UInt8>) {}

    /// `xl/workbook.xml` into `xl/` and `workbook.xml`.
    private static func split(_ part: String) -> (folder: String, name: String) {
        guard let slash = part.lastIndex(of: "/") else { return ("", part) }
        return (String(part[...slash]), String(part[part.index(after: slash)...]))
    }

    /// A target is relative to its part's folder, or absolute with a leading slash; it never leaves the package.
    static func resolve(_ target: String, from folder: String) -> String {
        let full = target.hasPrefix("/") ? target : folder + target
        var parts: [Substring] = []
        for part in full.split(separator: "/") where part != "." {
            if part == ".." { _ = parts.popLast() } else { parts.append(part) }
        }
        return parts.joined(separator: "/")
    }
}
