import CeleryMessage
import FoundationEssentials

/// A folder that takes messages in place of a gateway: each becomes a JSON file.
///
/// Storing a message of the same task and place again replaces it, so a repeated task leaves one file.
public struct SMSOutbox: SMSGateway {
    /// `outbox`.
    public let name = "outbox"
    /// Yes, so that part counts are those of the Turkish gateways.
    public let hasTurkishShift = true
    /// The folder; made with the first message.
    public let folder: String

    /// Names the folder.
    public init(folder: String) { self.folder = folder }

    /// Writes the file, complete or not at all.
    public func send(_ message: SMSMessage, attempt: SMSAttempt) async throws -> SMSReceipt {
        let length = SMSLength(message.text)
        let content: JSONValue = [
            "phone": .string(message.phone.e164),
            "message": .string(message.text),
            "company_id": attempt.company.map(JSONValue.string) ?? .null,
            "encoding": .string(length.encoding.rawValue),
            "parts": .int(Int64(length.parts)),
            "task": .string(attempt.name),
        ]
        let path = folder + "/" + attempt.name + ".json"
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            try Data((JSONWriter.pretty(content) + "\n").utf8).write(to: URL(filePath: path), options: .atomic)
        } catch {
            throw SMSError(.unavailable, gateway: name, message: "\(path) cannot be written: \(error)")
        }
        var receipt = SMSReceipt(id: nil)
        receipt.file = path
        return receipt
    }
}
