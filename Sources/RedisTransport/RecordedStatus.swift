/// Reads the status of a result record without reading the record.
enum RecordedStatus {
    /// Whether a record in JSON, YAML or MessagePack says that its task has ended; `beat_emit.lua` looks the same way.
    static func isFinal(_ record: [UInt8]) -> Bool {
        guard let place = record.firstRange(of: Array("status".utf8)) else { return false }
        let status = record[place.upperBound...].drop { !(0x41...0x5A).contains($0) }.prefix {
            (0x41...0x5A).contains($0)
        }
        return ["SUCCESS", "FAILURE", "REVOKED", "REJECTED", "IGNORED"].contains(
            String(decoding: status, as: UTF8.self)
        )
    }
}
