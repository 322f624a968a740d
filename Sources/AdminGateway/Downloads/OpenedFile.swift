import Glibc
import NIOCore
import NIOPosix

/// A regular file below a folder, open for reading until nobody has it any more.
final class OpenedFile: Sendable {
    /// Bytes.
    let size: Int64
    /// Another one when the file changes.
    let tag: String
    private let descriptor: CInt

    private static let longestName = 1024
    private static let deepest = 16

    private init(descriptor: CInt, size: Int64, tag: String) {
        self.descriptor = descriptor
        self.size = size
        self.tag = tag
    }

    deinit { close(descriptor) }

    /// Whether a text can be the path of a file below a folder: nothing in it climbs or is empty.
    static func isFit(_ name: String) -> Bool {
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        return !name.isEmpty && name.utf8.count <= longestName && parts.count <= deepest
            && parts.allSatisfy { !$0.isEmpty && $0 != "." && $0 != ".." }
            && name.unicodeScalars.allSatisfy { $0.value >= 0x20 && !(0x7F..<0xA0).contains($0.value) }
    }

    /// Opens a file; `nil` where there is none, or something that is no regular file.
    ///
    /// Each part of the name is opened below the one before it and followed through no link, so that whatever somebody
    /// puts into the folder, nothing outside of it is opened. The folder itself may be a link. Blocks.
    static func open(_ name: String, below folder: String) -> OpenedFile? {
        guard isFit(name) else { return nil }
        let flags = O_RDONLY | O_CLOEXEC
        var here = Glibc.open(folder, flags | O_DIRECTORY)
        guard here >= 0 else { return nil }
        let parts = name.split(separator: "/").map(String.init)
        for (place, part) in parts.enumerated() {
            let isLast = place == parts.count - 1
            // A pipe would make the opening wait for somebody who writes.
            let next = openat(here, part, flags | O_NOFOLLOW | (isLast ? O_NONBLOCK : O_DIRECTORY))
            close(here)
            guard next >= 0 else { return nil }
            here = next
        }
        var status = stat()
        guard fstat(here, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            close(here)
            return nil
        }
        let parts64 = [
            Int64(status.st_ino), Int64(status.st_size), Int64(status.st_mtim.tv_sec), Int64(status.st_mtim.tv_nsec),
        ]
        let tag = parts64.map { String($0, radix: 36) }.joined(separator: "-")
        return OpenedFile(descriptor: here, size: Int64(status.st_size), tag: "\"\(tag)\"")
    }

    /// The same, on a thread that may wait for the disk.
    static func opened(_ name: String, below folder: String) async throws -> OpenedFile? {
        try await NIOThreadPool.singleton.runIfActive { open(name, below: folder) }
    }

    /// Bytes from a place on, on a thread that may wait for the disk; fewer than asked for at the end only.
    func read(at offset: Int64, count: Int) async throws -> ByteBuffer {
        try await NIOThreadPool.singleton.runIfActive { [self] in
            var buffer = ByteBufferAllocator().buffer(capacity: count)
            let length = try buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: count) { space in
                while true {
                    let length = pread(descriptor, space.baseAddress, min(count, space.count), off_t(offset))
                    if length >= 0 { return length }
                    guard errno == EINTR else { throw IOError(errnoCode: errno, reason: "pread") }
                }
            }
            guard length > 0 else { throw IOError(errnoCode: EIO, reason: "the file became shorter") }
            return buffer
        }
    }
}
