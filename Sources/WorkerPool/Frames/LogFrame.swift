import CeleryMessage
import Logging

/// The log frame: a line logged in a pool process.
extension PoolLogRecord {
    func append(to writer: inout FrameWriter) {
        writer.append(.log) { writer in
            if let job { writer.field(1, job) }
            writer.field(2, level.rawValue)
            writer.field(3, label)
            writer.field(4, message)
            if !metadata.isEmpty { writer.field(5, JSONWriter.bytes(.object(Self.json(metadata)))) }
            writer.field(6, taskID)
            writer.field(7, taskName)
        }
    }

    /// Reads a log frame; the process is known to whoever reads.
    init(payload: RawSpan, processName: String, processID: Int32) throws(PoolError) {
        var record = PoolLogRecord(
            level: .info,
            label: "",
            message: "",
            processName: processName,
            processID: processID
        )
        try Frame.fields(of: payload) { tag, value throws(PoolError) in
            switch tag {
            case 1: record.job = try value.number()
            case 2: record.level = Logger.Level(rawValue: value.text) ?? .info
            case 3: record.label = value.text
            case 4: record.message = value.text
            case 5: record.metadata = Self.metadata(try value.json().object ?? [:])
            case 6: record.taskID = value.text
            case 7: record.taskName = value.text
            default: break
            }
        }
        self = record
    }

    private static func json(_ metadata: Logger.Metadata) -> JSONObject {
        JSONObject(metadata.sorted { $0.key < $1.key }.map { ($0.key, json($0.value)) })
    }

    private static func json(_ value: Logger.MetadataValue) -> JSONValue {
        switch value {
        case .string(let text): .string(text)
        case .stringConvertible(let value): .string(value.description)
        case .dictionary(let members): .object(json(members))
        case .array(let values): .array(values.map(json))
        }
    }

    private static func metadata(_ object: JSONObject) -> Logger.Metadata {
        var metadata: Logger.Metadata = [:]
        for (key, value) in object { metadata[key] = metadataValue(value) }
        return metadata
    }

    private static func metadataValue(_ value: JSONValue) -> Logger.MetadataValue {
        switch value {
        case .string(let text): .string(text)
        case .array(let values): .array(values.map(metadataValue))
        case .object(let object): .dictionary(metadata(object))
        default: .string(JSONWriter.string(value))
        }
    }
}
