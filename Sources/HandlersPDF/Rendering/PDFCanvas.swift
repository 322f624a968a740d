import CPangoCairo

/// The pages of a PDF file that is being written, with the few shapes a statement needs.
///
/// The origin is the upper left corner, units are points. Belongs to one thread at a time.
final class PDFCanvas {
    /// Where texts are drawn.
    let cairo: OpaquePointer
    private let library: celeriac_drawing
    private let surface: OpaquePointer
    private let file: OutputFile
    private var isFinished = false

    /// Begins a document; its bytes go to `file` as they come.
    init(_ file: OutputFile, width: Double, height: Double) throws(RenderingError) {
        let library = try DrawingLibrary.functions()
        let write: cairo_write_func_t = { closure, data, length in
            guard let closure, let data else { return CAIRO_STATUS_WRITE_ERROR }
            let file = Unmanaged<OutputFile>.fromOpaque(closure).takeUnretainedValue()
            let bytes = UnsafeRawBufferPointer(start: data, count: Int(length))
            return file.append(bytes) ? CAIRO_STATUS_SUCCESS : CAIRO_STATUS_WRITE_ERROR
        }
        // The canvas keeps the file alive, and finishes the surface before it goes.
        let closure = Unmanaged.passUnretained(file).toOpaque()
        guard let surface = library.cairo_pdf_surface_create_for_stream(write, closure, width, height),
            let cairo = library.cairo_create(surface)
        else { throw RenderingError(message: "cairo cannot be set up") }
        self.library = library
        self.surface = surface
        self.cairo = cairo
        self.file = file
    }

    deinit {
        if !isFinished { library.cairo_surface_finish(surface) }
        library.cairo_destroy(cairo)
        library.cairo_surface_destroy(surface)
    }

    /// Sets what a viewer shows about the document.
    ///
    /// - Parameter created: The moment of creation as ISO 8601 text; the same one makes the same bytes.
    func setMetadata(title: String, author: String, created: String) {
        library.cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_TITLE, title)
        library.cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_AUTHOR, author)
        library.cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_CREATOR, "Celeriac")
        library.cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_CREATE_DATE, created)
    }

    /// Ends the page; the next shape is on a new one.
    func endPage() {
        library.cairo_show_page(cairo)
    }

    /// Writes out the rest of the document.
    func finish() throws(RenderingError) {
        isFinished = true
        library.cairo_surface_finish(surface)
        let status = [library.cairo_status(cairo), library.cairo_surface_status(surface)].first {
            $0 != CAIRO_STATUS_SUCCESS
        }
        // A failed write has its own, better reason, which the file throws at its commit.
        guard let status, status != CAIRO_STATUS_WRITE_ERROR else { return }
        let reason = library.cairo_status_to_string(status).map { String(cString: $0) } ?? "\(status.rawValue)"
        throw RenderingError(message: "cairo: \(reason)")
    }

    // MARK: - Shapes

    /// Fills a rectangle.
    func fill(x: Double, y: Double, width: Double, height: Double, _ color: PDFColor) {
        setColor(color)
        library.cairo_rectangle(cairo, x, y, width, height)
        library.cairo_fill(cairo)
    }

    /// Fills a rectangle with rounded corners.
    func fillRounded(x: Double, y: Double, width: Double, height: Double, radius: Double, _ color: PDFColor) {
        setColor(color)
        roundedPath(x: x, y: y, width: width, height: height, radius: radius)
        library.cairo_fill(cairo)
    }

    /// Draws the frame of a rectangle with rounded corners.
    func frame(x: Double, y: Double, width: Double, height: Double, radius: Double, _ color: PDFColor) {
        setColor(color)
        library.cairo_set_line_width(cairo, 0.6)
        roundedPath(x: x, y: y, width: width, height: height, radius: radius)
        library.cairo_stroke(cairo)
    }

    /// Draws a horizontal line.
    func rule(x: Double, y: Double, width: Double, thickness: Double, _ color: PDFColor) {
        setColor(color)
        library.cairo_set_line_width(cairo, thickness)
        library.cairo_move_to(cairo, x, y)
        library.cairo_line_to(cairo, x + width, y)
        library.cairo_stroke(cairo)
    }

    /// Draws a picture at its upper left corner with the given height.
    func draw(_ image: PDFImage, x: Double, y: Double, height: Double) {
        library.cairo_save(cairo)
        library.cairo_translate(cairo, x, y)
        library.cairo_scale(cairo, height / image.height, height / image.height)
        library.cairo_set_source_surface(cairo, image.surface, 0, 0)
        library.cairo_paint(cairo)
        library.cairo_restore(cairo)
    }

    private func setColor(_ color: PDFColor) {
        library.cairo_set_source_rgb(cairo, color.red, color.green, color.blue)
    }

    private func roundedPath(x: Double, y: Double, width: Double, height: Double, radius: Double) {
        let quarter = Double.pi / 2
        library.cairo_new_sub_path(cairo)
        library.cairo_arc(cairo, x + width - radius, y + radius, radius, -quarter, 0)
        library.cairo_arc(cairo, x + width - radius, y + height - radius, radius, 0, quarter)
        library.cairo_arc(cairo, x + radius, y + height - radius, radius, quarter, 2 * quarter)
        library.cairo_arc(cairo, x + radius, y + radius, radius, 2 * quarter, 3 * quarter)
        library.cairo_close_path(cairo)
    }
}

/// A decoded PNG picture.
final class PDFImage {
    private let library: celeriac_drawing
    let surface: OpaquePointer
    let width: Double
    let height: Double

    /// Reads a file that ``PNGFile`` finds reasonable.
    init(path: String) throws(RenderingError) {
        do {
            try PNGFile.check(path)
        } catch {
            throw RenderingError(message: error.message)
        }
        library = try DrawingLibrary.functions()
        guard let surface = library.cairo_image_surface_create_from_png(path) else {
            throw RenderingError(message: "\(path) cannot be read")
        }
        self.surface = surface
        width = Double(library.cairo_image_surface_get_width(surface))
        height = Double(library.cairo_image_surface_get_height(surface))
        guard library.cairo_surface_status(surface) == CAIRO_STATUS_SUCCESS, height > 0 else {
            throw RenderingError(message: "\(path) is a damaged PNG file")
        }
    }

    deinit {
        library.cairo_surface_destroy(surface)
    }
}
