import FoundationEssentials
import Glibc

/// Why a file could not be written.
struct OutputFileError: Error, Equatable {
    /// The path and the system's reason.
    var message: String
}

/// A file that appears under its name only when it is complete.
///
/// The bytes go to a hidden `.part` file beside it, reach the disk, and then take the name in one step, so readers see
/// the old file or the new one. A process that is killed in the middle leaves only the `.part` file.
final class OutputFile {
    /// The file's final path.
    let path: String
    private let temporaryPath: String
    private let descriptor: Int32
    private var buffer: [UInt8] = []
    private var bytesWritten = 0
    private var error: OutputFileError?
    private var isOpen = true

    private static let bufferSize = 64 * 1024

    /// Creates the folder if needed and the temporary file.
    init(folder: String, name: String) throws(OutputFileError) {
        path = folder + "/" + name
        temporaryPath = "\(folder)/.\(name).\(UUID().uuidString.prefix(8)).part"
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        } catch {
            throw OutputFileError(message: "the folder \(folder) cannot be created")
        }
        descriptor = open(temporaryPath, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw Self.systemError(path) }
        buffer.reserveCapacity(Self.bufferSize)
    }

    deinit {
        discard()
    }

    /// Adds bytes; false once writing has failed, for which ``commit()`` throws the reason.
    func append(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard isOpen, error == nil else { return false }
        buffer.append(contentsOf: bytes)
        if buffer.count >= Self.bufferSize { flush() }
        return error == nil
    }

    /// Gives the complete file its name; returns its size in bytes.
    func commit() throws(OutputFileError) -> Int {
        flush()
        if error == nil, fsync(descriptor) != 0 { error = Self.systemError(path) }
        if error == nil, rename(temporaryPath, path) != 0 { error = Self.systemError(path) }
        if let error {
            discard()
            throw error
        }
        isOpen = false
        close(descriptor)
        syncFolder()
        return bytesWritten
    }

    /// Removes the temporary file, unless it already has its name.
    func discard() {
        guard isOpen else { return }
        isOpen = false
        close(descriptor)
        unlink(temporaryPath)
    }

    private func flush() {
        buffer.withUnsafeBytes { bytes in
            var rest = bytes[...]
            while !rest.isEmpty, error == nil {
                let count = write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
                if count >= 0 {
                    rest = rest.dropFirst(count)
                    bytesWritten += count
                } else if errno != EINTR {
                    error = Self.systemError(path)
                }
            }
        }
        buffer.removeAll(keepingCapacity: true)
    }

    /// Makes the new name survive a power cut; where a file system cannot do that, the file is there all the same.
    private func syncFolder() {
        let folder = open(
            String(path.prefix(upTo: path.lastIndex(of: "/") ?? path.startIndex)) + "/",
            O_RDONLY | O_CLOEXEC
        )
        guard folder >= 0 else { return }
        fsync(folder)
        close(folder)
    }

    private static func systemError(_ path: String) -> OutputFileError {
        OutputFileError(message: "\(path) cannot be written: \(String(cString: strerror(errno)))")
    }
}
