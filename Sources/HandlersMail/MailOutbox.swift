import FoundationEssentials
public import SMTP

/// A folder that takes mails in place of a server: each becomes an `.eml` file that mail programs open.
///
/// The envelope is kept in `X-Envelope-From` and `X-Envelope-To` headers in front. Storing a mail of the same name
/// again replaces it, so a repeated task leaves one file.
public struct MailOutbox: Sendable {
    /// The folder; made with the first mail.
    public let folder: String

    /// Names the folder.
    public init(folder: String) { self.folder = folder }

    /// Writes the file, complete or not at all, and returns its path.
    public func store(_ content: [UInt8], envelope: SMTPEnvelope, name: String) throws -> String {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let path = folder + "/" + name + ".eml"
        var bytes = Data("X-Envelope-From: \(envelope.sender)\r\n".utf8)
        for recipient in envelope.recipients { bytes += Data("X-Envelope-To: \(recipient)\r\n".utf8) }
        bytes += Data(content)
        try bytes.write(to: URL(filePath: path), options: .atomic)
        return path
    }
}
