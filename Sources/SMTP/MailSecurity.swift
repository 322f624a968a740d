/// How the connection to a mail server is protected.
public enum MailSecurity: String, Sendable, CaseIterable {
    /// Starts in clear and must change to TLS by STARTTLS before anything else is said; usually port 587.
    case startTLS = "starttls"
    /// TLS from the first byte; usually port 465.
    case tls
    /// In clear all the way; for servers on the same machine.
    case none
}
