import Foundation

/// Certificates of a private authority, made by openssl in a temporary folder.
struct TLSFiles {
    let directory: String
    var authority: String { directory + "/ca.pem" }
    var serverCertificate: String { directory + "/server.pem" }
    var serverKey: String { directory + "/server.key" }
    var clientCertificate: String { directory + "/client.pem" }
    var clientKey: String { directory + "/client.key" }
    var encryptedClientKey: String { directory + "/client-encrypted.key" }
    /// Another authority, which signed nothing here.
    var strangeAuthority: String { directory + "/strange.pem" }
    /// A certificate of the authority for another host name.
    var otherHostCertificate: String { directory + "/other.pem" }
    var otherHostKey: String { directory + "/other.key" }

    init() async throws {
        directory = NSTemporaryDirectory() + "/celeriac-tls-" + UUID().uuidString.prefix(8)
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        let script = """
            set -e
            key() { openssl ecparam -name prime256v1 -genkey -noout -out $1; }
            root() { key $1.key; openssl req -x509 -new -key $1.key -subj "/CN=$1" -days 2 -out $1.pem; }
            leaf() {
                key $1.key
                openssl req -new -key $1.key -subj "/CN=$1" -out $1.csr
                printf "subjectAltName=$2" > $1.ext
                openssl x509 -req -in $1.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile $1.ext -out $1.pem
            }
            root ca; root strange
            leaf server IP:127.0.0.1,DNS:localhost
            leaf other DNS:elsewhere.example
            leaf client DNS:client
            openssl pkcs8 -topk8 -in client.key -passout pass:opensesame -out client-encrypted.key
            """
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", script]
        process.currentDirectoryURL = URL(fileURLWithPath: directory)
        process.standardError = FileHandle.nullDevice
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            process.terminationHandler = { _ in continuation.resume() }
            do {
                try process.run()
            } catch {
                continuation.resume(throwing: error)
            }
        }
        guard process.terminationStatus == 0 else { throw CocoaError(.executableLoad) }
    }

    func remove() { try? FileManager.default.removeItem(atPath: directory) }
}
