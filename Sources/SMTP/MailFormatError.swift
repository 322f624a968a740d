/// A part of a mail that cannot be right: an address, a header value, an attachment.
public struct MailFormatError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What is wrong, as the end of a sentence that begins with the part's name.
    public var message: String

    /// Says what is wrong.
    public init(_ message: String) { self.message = message }

    /// The message itself.
    public var description: String { message }
}
