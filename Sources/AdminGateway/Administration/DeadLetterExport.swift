import CeleryMessage
import HTTPTypes
import Hummingbird
import Inspection
import NIOCore

/// An answer with dead letters as lines of JSON, each with its exact message.
enum DeadLetterExport {
    /// The letters that a query is about, oldest first.
    ///
    /// A batch is read when the one before has been taken by the client, so that a slow one keeps no memory filled.
    ///
    /// - Parameter name: what the file is called, letters and digits only.
    static func response(_ query: DeadLetterQuery, from letters: any DeadLetters, named name: String) -> Response {
        Response(
            status: .ok,
            headers: [
                .contentType: "application/x-ndjson; charset=utf-8", .cacheControl: "no-store",
                .contentDisposition: "attachment; filename=\"\(name).jsonl\"",
            ],
            body: ResponseBody { writer in
                let (lines, source) = AsyncThrowingStream.makeStream(of: ByteBuffer.self)
                let (taken, take) = AsyncStream.makeStream(of: Void.self)
                let reading = Task {
                    do {
                        try await letters.export(query) { batch in
                            var buffer = ByteBuffer()
                            for letter in batch { buffer.writeBytes(WebJSON.bytes(.object(letter.json)) + [0x0A]) }
                            source.yield(buffer)
                            var turns = taken.makeAsyncIterator()
                            return await turns.next() != nil
                        }
                        source.finish()
                    } catch {
                        source.finish(throwing: error)
                    }
                }
                defer { reading.cancel() }
                for try await buffer in lines {
                    try await writer.write(buffer)
                    take.yield()
                }
                try await writer.finish(nil)
            }
        )
    }
}
