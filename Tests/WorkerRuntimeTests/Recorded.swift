import CeleryMessage
import Foundation
import Transport

/// Files recorded from real Celery; `Fixtures/README.md` says how.
enum Recorded {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "Fixtures/celery-5.7.0")

    struct Missing: Error {
        var what: String
    }

    static func file(_ path: String) throws -> JSONValue {
        try JSONReader.value(Array(try Data(contentsOf: folder.appending(path: path + ".json"))))
    }

    static func lines(_ path: String) throws -> [JSONValue] {
        let text = try String(contentsOf: folder.appending(path: path + ".jsonl"), encoding: .utf8)
        return try text.split(separator: "\n").map { try JSONReader.value(String($0)) }
    }

    /// The record of a result fixture.
    static func record(_ name: String) throws -> JSONValue {
        guard let record = try file("results/" + name)["result"]?["decoded"] else { throw Missing(what: name) }
        return record
    }
}

/// A recorded canvas: the messages it led to and the records.
struct RecordedCanvas {
    let published: [JSONValue]
    let stored: [JSONValue]

    init(_ name: String) throws {
        let file = try Recorded.file("canvas/" + name)
        published = file["published"]?.array ?? []
        stored = (file["stored"]?.array ?? []).compactMap { $0["value"] }
    }

    /// A published message as the worker got it.
    func item(_ place: Int) throws -> [UInt8] {
        let message = published[place]
        guard let headers = message["headers"], let properties = message["properties"], let body = message["body"]
        else {
            throw Recorded.Missing(what: "message \(place)")
        }
        let encoded = String(decoding: Base64.encode(JSONWriter.bytes(body)), as: UTF8.self)
        return JSONWriter.bytes([
            "body": .string(encoded), "content-encoding": "utf-8", "content-type": "application/json",
            "headers": headers, "properties": properties,
        ])
    }

    /// A published message, with what differs from run to run made equal.
    func message(_ place: Int) throws -> JSONValue {
        Comparable(known: "\(published[0])").message(try item(place))
    }

    func record(_ place: Int) -> JSONValue {
        Comparable(known: "\(published[0])").value(stored[place])
    }

    var comparable: Comparable { Comparable(known: "\(published[0])") }
}

/// Replaces what differs from run to run: moments, fresh ids, senders, the text of tracebacks.
struct Comparable {
    /// Text that holds the ids that were there before.
    let known: String

    func value(_ value: JSONValue, key: String = "") -> JSONValue {
        switch value {
        case .object(let object):
            // The last one is Celeriac's own: when the attempts before a retry were.
            let dropped: Set<String> = ["origin", "reply_to", "delivery_tag", "worker", HistoryWriter.attemptsHeader]
            return .object(
                JSONObject(
                    object.filter { !dropped.contains($0.key) }.map { ($0.key, self.value($0.value, key: $0.key)) }
                )
            )
        case .array(let list): return .array(list.map { self.value($0) })
        case .string(let text):
            if ["eta", "date_done", "expires"].contains(key) { return .string("<moment \(text.suffix(6))>") }
            if ["traceback", "expiration"].contains(key) { return "<text>" }
            if text.count == 36, text.count(where: { $0 == "-" }) == 4, !known.contains(text) { return "<new>" }
            return value
        // Celery writes what its own task says, Celeriac leaves it to the worker that runs the task.
        case .bool(false) where key == "ignore_result": return .null
        default: return value
        }
    }

    /// A list item with its body read.
    func message(_ item: [UInt8]) -> JSONValue {
        guard let envelope = try? JSONReader.value(item), let body = envelope["body"]?.string,
            let bytes = Base64.decode(Array(body.utf8)), let read = try? JSONReader.value(bytes)
        else { return .string(String(decoding: item, as: UTF8.self)) }
        return [
            "headers": value(envelope["headers"] ?? nil), "properties": value(envelope["properties"] ?? nil),
            "body": value(read),
        ]
    }
}
