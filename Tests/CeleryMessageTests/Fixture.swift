import Foundation

/// Files recorded from real Celery; `Fixtures/README.md` says how.
enum Fixture {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures/celery-5.7.0")

    struct Missing: Error {
        var what: String
    }

    /// The names of the files in a folder, without their extension.
    static func names(_ folder: String) -> [String] {
        let files =
            (try? FileManager.default.contentsOfDirectory(atPath: Self.folder.appending(path: folder).path)) ?? []
        return files.filter { $0.hasSuffix(".json") }.map { String($0.dropLast(5)) }.sorted()
    }

    static func object(_ path: String) throws -> [String: Any] {
        let data = try Data(contentsOf: folder.appending(path: path + ".json"))
        guard let object = try JSONSerialization.jsonObject(with: data) as? [String: Any] else {
            throw Missing(what: path)
        }
        return object
    }

    /// The list items of a message fixture as Redis held them.
    static func items(_ path: String) throws -> [[UInt8]] {
        guard let messages = try object(path)["messages"] as? [[String: Any]] else { throw Missing(what: "messages") }
        return messages.compactMap { $0["raw"] as? String }.map { Array($0.utf8) }
    }

    /// The one list item of a message fixture.
    static func item(_ path: String) throws -> [UInt8] {
        guard let item = try items(path).first else { throw Missing(what: "raw") }
        return item
    }

    /// Every string or bytes called `raw` anywhere in a result fixture.
    static func records(_ path: String) throws -> [[UInt8]] {
        var found: [[UInt8]] = []
        func walk(_ value: Any) {
            if let object = value as? [String: Any] {
                for (key, member) in object.sorted(by: { $0.key < $1.key }) {
                    if key == "raw" { if let bytes = bytes(member) { found.append(bytes) } } else { walk(member) }
                }
            } else if let list = value as? [Any] {
                for element in list { walk(element) }
            }
        }
        walk(try object(path))
        return found
    }

    static func record(_ path: String) throws -> [UInt8] {
        guard let record = try records(path).first else { throw Missing(what: "raw") }
        return record
    }

    private static func bytes(_ value: Any) -> [UInt8]? {
        if let text = value as? String { return Array(text.utf8) }
        guard let text = (value as? [String: Any])?["base64"] as? String else { return nil }
        return Data(base64Encoded: text).map(Array.init)
    }

    /// The lines of a vector file.
    static func vectors(_ name: String) throws -> [[String: Any]] {
        let text = try String(contentsOf: folder.appending(path: "vectors/\(name).jsonl"), encoding: .utf8)
        return try text.split(separator: "\n").map { line in
            guard let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any] else {
                throw Missing(what: name)
            }
            return object
        }
    }
}

/// Text for a failure message.
func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
