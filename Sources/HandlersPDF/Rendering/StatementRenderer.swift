import Dispatch
import FoundationEssentials
import Synchronization

/// Draws statements one after another on a queue of its own, away from Swift's cooperative threads.
///
/// The drawing libraries are set up by the first document. Cancelling the task stops between two pages, and leaves no
/// file behind.
final class StatementRenderer: Sendable {
    private let queue = DispatchQueue(label: "celeriac.pdf")
    private let press: Press

    init(_ design: StatementDesign) {
        press = Press(design)
    }

    /// Draws a statement into `folder/name`, replacing an older file only when the new one is complete.
    ///
    /// - Parameter created: The moment of creation in the file's metadata.
    func render(
        _ statement: Statement,
        folder: String,
        name: String,
        created: Date = Date()
    ) async throws -> PDFFile {
        let stop = StopSign()
        let job = Press.Job(
            statement: statement,
            folder: folder,
            name: name,
            created: created.formatted(.iso8601),
            stop: stop
        )
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                queue.async { [press] in
                    continuation.resume(with: Result { try press.print(job) })
                }
            }
        } onCancel: {
            stop.raise()
        }
    }
}

/// Tells the drawing thread that nobody wants the document any more.
private final class StopSign: Sendable {
    private let isRaised = Atomic(false)

    func raise() {
        isRaised.store(true, ordering: .relaxed)
    }

    func check() throws {
        if isRaised.load(ordering: .relaxed) { throw CancellationError() }
    }
}

/// What draws: fonts and logo, kept from one document to the next.
private final class Press: @unchecked Sendable {
    /// One document to draw.
    struct Job: Sendable {
        let statement: Statement
        let folder: String
        let name: String
        /// The moment of creation as ISO 8601 text.
        let created: String
        let stop: StopSign
    }

    private let design: StatementDesign
    // Guarded by the renderer's serial queue: only `print` touches them, and it only runs there.
    private var text: TextSetter?
    private var logo: PDFImage?

    init(_ design: StatementDesign) {
        self.design = design
    }

    func print(_ job: Job) throws -> PDFFile {
        try job.stop.check()
        let text = try textSetter()
        let pages = StatementPages(job.statement, design, logo: try logoImage(), text)
        let file = try OutputFile(folder: job.folder, name: job.name)
        do {
            try draw(pages, job, into: file)
            return PDFFile(path: file.path, pages: pages.count, bytes: try file.commit())
        } catch {
            file.discard()
            throw error
        }
    }

    private func draw(_ pages: StatementPages, _ job: Job, into file: OutputFile) throws {
        let canvas = try PDFCanvas(file, width: design.pageWidth, height: design.pageHeight)
        canvas.setMetadata(
            title: "\(job.statement.title) · \(job.statement.reference)",
            author: job.statement.author,
            created: job.created
        )
        for index in 0..<pages.count {
            try job.stop.check()
            pages.draw(index, on: canvas)
        }
        try canvas.finish()
    }

    private func textSetter() throws -> TextSetter {
        if let text { return text }
        let made = try TextSetter(family: design.family)
        text = made
        return made
    }

    private func logoImage() throws -> PDFImage? {
        guard let path = design.logo else { return nil }
        if let logo { return logo }
        let read = try PDFImage(path: path)
        logo = read
        return read
    }
}
