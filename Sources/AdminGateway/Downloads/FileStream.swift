import Hummingbird
import HummingbirdCore
import NIOCore
import Synchronization

/// Sends a part of a file, a piece at a time: the next one is read when the client has taken the one before.
struct FileStream: Sendable {
    let file: OpenedFile
    let range: Range<Int64>
    /// The connection it goes over.
    let channel: any Channel
    /// A client that takes nothing for so long is given up.
    let patience: Duration
    /// Told how many bytes the client has taken.
    let onTaken: @Sendable (Int) -> Void

    private static let piece: Int64 = 256 << 10

    /// When the client last took something.
    private final class LastTaken: Sendable {
        private let moment = Mutex(ContinuousClock.now)

        func renew() { moment.withLock { $0 = .now } }

        var age: Duration { moment.withLock { .now - $0 } }
    }

    @concurrent func write(to writer: inout any ResponseBodyWriter) async throws {
        let taken = LastTaken()
        let (channel, patience) = (channel, patience)
        // A client that is there and reads nothing would hold its place for ever.
        let watch = Task {
            while taken.age < patience {
                try await Task.sleep(for: max(patience - taken.age, .milliseconds(10)))
            }
            channel.close(promise: nil)
        }
        defer { watch.cancel() }
        var offset = range.lowerBound
        while offset < range.upperBound {
            let buffer = try await file.read(at: offset, count: Int(min(Self.piece, range.upperBound - offset)))
            offset += Int64(buffer.readableBytes)
            let count = buffer.readableBytes
            try await writer.write(buffer)
            onTaken(count)
            taken.renew()
        }
        try await writer.finish(nil)
    }
}
