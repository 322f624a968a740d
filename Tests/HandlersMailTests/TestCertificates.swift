import Foundation
import TestSupport

/// An authority made for these tests by openssl, with certificates it signed.
struct TestCertificates: Sendable {
    /// The files of a certificate and its key.
    struct Pair: Sendable {
        var certificate: String
        var key: String
    }

    static let shared = Result { try TestCertificates() }

    /// The authority's own certificate.
    let authority: String
    /// For `localhost` and `127.0.0.1`.
    let server: Pair
    /// For a name that is not this machine's.
    let stranger: Pair
    private let folder: ScratchFolder

    private init() throws {
        let folder = try ScratchFolder()
        self.folder = folder
        authority = folder.file("ca.pem")
        _ = try ShellCommand.output(
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-keyout",
            folder.file("ca.key"),
            "-out",
            folder.file("ca.pem"),
            "-subj",
            "/CN=Test authority",
            "-days",
            "2"
        )
        server = try Self.sign("server", "DNS:localhost,IP:127.0.0.1", in: folder)
        stranger = try Self.sign("stranger", "DNS:elsewhere.example", in: folder)
    }

    private static func sign(_ name: String, _ names: String, in folder: ScratchFolder) throws -> Pair {
        let pair = Pair(certificate: folder.file(name + ".pem"), key: folder.file(name + ".key"))
        let request = folder.file(name + ".csr")
        _ = try ShellCommand.output(
            "openssl",
            "req",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-keyout",
            pair.key,
            "-out",
            request,
            "-subj",
            "/CN=\(name)"
        )
        let extensions = try folder.write(Data("subjectAltName=\(names)\n".utf8), to: name + ".ext")
        _ = try ShellCommand.output(
            "openssl",
            "x509",
            "-req",
            "-in",
            request,
            "-CA",
            folder.file("ca.pem"),
            "-CAkey",
            folder.file("ca.key"),
            "-CAcreateserial",
            "-out",
            pair.certificate,
            "-days",
            "2",
            "-extfile",
            extensions
        )
        return pair
    }
}
