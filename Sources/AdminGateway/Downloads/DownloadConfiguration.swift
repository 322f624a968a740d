/// Which files of tasks' results can be downloaded, and how their links are made.
package struct DownloadConfiguration: Sendable {
    /// The folders whose files may be downloaded, absolute; nothing outside them ever is.
    package var folders: [String]
    /// Where relative paths in results start, absolute.
    package var baseFolder: String
    /// How long a link is good for at least.
    package var linkLifetime: Duration = .seconds(3600)
    /// What links are signed with: the first signs, all of them are believed; empty makes a key at each start.
    package var signingKeys: [String] = []
    /// Who may use a link: everybody who has it, or those with a token only.
    package var access = GatewayConfiguration.Access.everyone
    /// How many downloads there may be at once.
    package var simultaneous = 100

    /// Downloads from these folders.
    package init(folders: [String], baseFolder: String) {
        self.folders = folders
        self.baseFolder = baseFolder
    }
}
