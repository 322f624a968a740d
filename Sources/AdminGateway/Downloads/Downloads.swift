import CeleryMessage
import Crypto
import Inspection

/// Links to the files that tasks' results name.
struct Downloads: Sendable {
    /// A link that can be given away.
    struct Link: Sendable, Hashable {
        /// The file.
        var file: ResultFiles.Found
        /// The address, from the root of the site.
        var url: String
        /// The last second it is good for, counted from 1970.
        var expires: Int64

        /// As it stands in a status.
        var json: JSONObject { ["name": .string(file.place.name), "size": .int(file.size), "url": .string(url)] }
    }

    /// Why a link opens nothing.
    enum Refusal: Error {
        /// It was not signed here.
        case wrong
        /// Its time is over.
        case expired
    }

    let configuration: DownloadConfiguration
    private let files: ResultFiles
    private let signer: LinkSigner
    private let basePath: String
    private let now: @Sendable () -> Instant

    /// - Parameter ownKey: signs links where no key is configured.
    init(
        _ configuration: DownloadConfiguration,
        basePath: String,
        ownKey: SymmetricKey = SymmetricKey(size: .bits256),
        now: @escaping @Sendable () -> Instant
    ) {
        self.configuration = configuration
        self.basePath = basePath
        self.now = now
        files = ResultFiles(folders: configuration.folders, baseFolder: configuration.baseFolder)
        signer = LinkSigner(keys: configuration.signingKeys, lifetime: configuration.linkLifetime, ownKey: ownKey)
    }

    /// Links to the files of a task; none before it has succeeded.
    func links(of status: TaskStatus) async throws -> [Link] {
        let expires = signer.expiry(now: now())
        return try await files.files(of: status).map { link(to: $0, of: status.id, expires: expires) }
    }

    /// A link to one file of a task that is good for a time; `nil` where its result names no such file that is there.
    func link(to name: String, of status: TaskStatus, for lifetime: Duration?) async throws -> Link? {
        let expires = lifetime.map { LinkSigner.seconds(now() + $0) } ?? signer.expiry(now: now())
        return try await files.files(of: status).first { $0.place.name == name }
            .map { link(to: $0, of: status.id, expires: expires) }
    }

    private func link(to file: ResultFiles.Found, of taskID: String, expires: Int64) -> Link {
        let grant = LinkSigner.Grant(taskID: taskID, place: file.place, expires: expires)
        let path = [taskID, "files", file.place.name].map(PercentEncoding.encoded).joined(separator: "/")
        return Link(
            file: file,
            url: "\(basePath)/api/tasks/\(path)?expires=\(expires)&signature=\(signer.signature(grant))",
            expires: expires
        )
    }

    /// The folder of the file that a link is for.
    func folder(taskID: String, name: String, expires: Int64, signature: String) throws(Refusal) -> String {
        // Every folder is tried, so that the time does not tell which one it was.
        var found: String?
        for folder in files.paths {
            let grant = LinkSigner.Grant(taskID: taskID, place: FilePlace(folder: folder, name: name), expires: expires)
            if signer.accepts(signature, of: grant) { found = found ?? folder }
        }
        guard let found else { throw .wrong }
        guard expires >= LinkSigner.seconds(now()) else { throw .expired }
        return found
    }
}
