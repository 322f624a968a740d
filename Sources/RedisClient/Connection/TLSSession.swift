import NIOCore
import NIOSSL

/// TLS for one attempt to connect: files are read anew each time, so that renewed certificates take effect.
struct TLSSession: Sendable {
    private let context: NIOSSLContext
    private let hostname: String?

    /// Reads the files off the event loop; the system's list of authorities alone takes milliseconds.
    @concurrent
    init(_ options: RedisTLS, host: String) async throws(RedisError) {
        do {
            context = try NIOSSLContext(configuration: try Self.configuration(options))
        } catch let error as RedisError {
            throw error
        } catch {
            throw RedisError(.tls, "TLS cannot be set up", underlying: error)
        }
        // Server names are for host names; with an address NIOSSL compares the peer's address itself.
        hostname = (try? SocketAddress(ipAddress: host, port: 0)) == nil ? host : nil
    }

    func makeHandler() throws -> NIOSSLClientHandler {
        try NIOSSLClientHandler(context: context, serverHostname: hostname)
    }

    private static func configuration(_ options: RedisTLS) throws -> TLSConfiguration {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.certificateVerification =
            switch options.verification {
            case .none: .none
            case .optional, .required: options.checksHostname ? .fullVerification : .noHostnameVerification
            }
        if let file = options.authoritiesFile {
            configuration.trustRoots = .certificates(try read("ssl_ca_certs", file, NIOSSLCertificate.fromPEMFile))
        }
        if let file = options.certificateFile {
            let chain = try read("ssl_certfile", file, NIOSSLCertificate.fromPEMFile)
            configuration.certificateChain = chain.map { .certificate($0) }
            let key = try read("ssl_keyfile", options.keyFile ?? file) { file in
                try privateKey(file, password: options.keyPassword)
            }
            configuration.privateKey = .privateKey(key)
        }
        return configuration
    }

    private static func privateKey(_ file: String, password: String?) throws -> NIOSSLPrivateKey {
        guard let password else { return try NIOSSLPrivateKey(file: file, format: .pem) }
        return try NIOSSLPrivateKey(file: file, format: .pem) { $0(Array(password.utf8)) }
    }

    private static func read<Value>(_ option: String, _ file: String, _ body: (String) throws -> Value) throws -> Value
    {
        do {
            return try body(file)
        } catch {
            throw RedisError(.tls, "\(option): cannot read '\(file)'", underlying: error)
        }
    }
}
