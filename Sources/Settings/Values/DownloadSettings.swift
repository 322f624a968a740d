/// Which files of tasks' results can be downloaded: the block `downloads` of the gateway.
public struct DownloadSettings: Sendable, Hashable {
    /// `folders`: the folders whose files may be downloaded, absolute.
    public var folders: [String] = []
    /// `link_lifetime`: how long a link is good for at least; default an hour.
    public var linkLifetime: Duration = .seconds(3600)
    /// `signing_key`: what links are signed with, the first one; links of the others are good too.
    ///
    /// Default a key of each start's own.
    public var signingKeys: [Secret] = []
    /// `signing_key_file`: a file with the keys, one a line, absolute.
    public var signingKeyFile: String?
    /// `access`: who may use a link; default everybody who has it.
    public var access = GatewaySettings.Access.everyone
    /// `max_downloads`: how many files are sent at once; default 100.
    public var simultaneous = 100

    /// Whether links are signed with a key that outlives the start.
    public var hasKeys: Bool { !signingKeys.isEmpty || signingKeyFile != nil }

    /// No folders yet.
    public init() {}
}
