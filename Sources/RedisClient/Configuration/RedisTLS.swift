/// How to encrypt a connection and whom to trust.
///
/// The names in the comments are those of a `rediss://` URL's query and of Celery's `broker_use_ssl`.
public struct RedisTLS: Sendable, Hashable {
    /// Whether the server must prove who it is (`ssl_cert_reqs`).
    public enum Verification: String, Sendable, Hashable, CaseIterable {
        /// Anyone may answer: encryption against listeners only.
        case none
        /// As `required`: for a client OpenSSL knows no difference, as Python's documentation of `CERT_OPTIONAL` says.
        case optional
        /// The certificate must be valid and signed by a trusted authority.
        case required

        /// Reads `none`, `optional`, `required` and Python's constants `CERT_NONE`, `CERT_OPTIONAL`, `CERT_REQUIRED`.
        public init?(option: String) {
            let name = option.lowercased()
            self.init(rawValue: name.hasPrefix("cert_") ? String(name.dropFirst(5)) : name)
        }
    }

    /// Whether the server must prove who it is (`ssl_cert_reqs`); required unless told otherwise.
    public var verification: Verification
    /// Whether the certificate must name the host or address we connect to (`ssl_check_hostname`); never with `.none`.
    public var checksHostname: Bool
    /// A PEM file of authorities to trust instead of the system's (`ssl_ca_certs`).
    public var authoritiesFile: String?
    /// A PEM file of our own certificate and its chain (`ssl_certfile`).
    public var certificateFile: String?
    /// A PEM file of our private key (`ssl_keyfile`); the certificate file when nil.
    public var keyFile: String?
    /// The password of the private key (`ssl_password`).
    public var keyPassword: String?

    /// TLS with the system's authorities and full verification, changed by what is given.
    public init(
        verification: Verification = .required,
        checksHostname: Bool = true,
        authoritiesFile: String? = nil,
        certificateFile: String? = nil,
        keyFile: String? = nil,
        keyPassword: String? = nil
    ) {
        self.verification = verification
        self.checksHostname = checksHostname
        self.authoritiesFile = authoritiesFile
        self.certificateFile = certificateFile
        self.keyFile = keyFile
        self.keyPassword = keyPassword
    }
}

extension RedisTLS: CustomStringConvertible, CustomReflectable {
    /// What is configured, without the key's password.
    public var description: String {
        let files = [("ca", authoritiesFile), ("certificate", certificateFile), ("key", keyFile)]
            .compactMap { name, file in file.map { ", \(name) \($0)" } }
        return "TLS(\(verification.rawValue)\(checksHostname ? "" : ", any host name")\(files.joined()))"
    }

    /// A mirror without children: `dump` and string interpolation must not reveal the password.
    public var customMirror: Mirror { Mirror(self, children: []) }
}
