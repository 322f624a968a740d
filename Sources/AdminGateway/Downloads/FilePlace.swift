/// Where a file is that a task's result names.
struct FilePlace: Sendable, Hashable {
    /// The folder the file is below.
    var folder: String
    /// The file's path below the folder.
    var name: String
}
