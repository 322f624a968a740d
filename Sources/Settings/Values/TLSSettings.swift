/// How connections to Redis are encrypted: `broker_use_ssl`, `redis_backend_use_ssl`.
public struct TLSSettings: Sendable, Hashable {
    /// Whether the server must prove who it is.
    public enum Verification: String, Sendable, Hashable, CaseIterable {
        /// Anyone may answer.
        case none
        /// As `required`, for a client.
        case optional
        /// The certificate must be valid and signed by a trusted authority.
        case required
    }

    /// `ssl_cert_reqs`; default `required`.
    public var verification = Verification.required
    /// `ssl_check_hostname`; default true.
    public var checksHostname = true
    /// `ssl_ca_certs`: a PEM file of trusted authorities, absolute; `nil` means the system's.
    public var authoritiesFile: String?
    /// `ssl_certfile`: a PEM file of the client's own certificate, absolute.
    public var certificateFile: String?
    /// `ssl_keyfile`: a PEM file of the client's private key, absolute.
    public var keyFile: String?

    /// TLS with full verification.
    public init() {}
}
