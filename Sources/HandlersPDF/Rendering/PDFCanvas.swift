import CPangoCairo

/// The pages of a PDF file that is being written, with the few shapes a statement needs.
///
/// The origin is the upper left corner, units are points. Belongs to one thread at a time.
final class PDFCanvas {
    /// Where texts are drawn.
    let cairo: OpaquePointer
    private let surface: OpaquePointer
    private let file: OutputFile
    private var isFinished = false

    /// Begins a document; its bytes go to `file` as they come.
    init(_ file: OutputFile, width: Double, height: Double) throws(RenderingError) {
        let write: cairo_write_func_t = { closure, data, length in
            guard let closure, let data else { return CAIRO_STATUS_WRITE_ERROR }
            let file = Unmanaged<OutputFile>.fromOpaque(closure).takeUnretainedValue()
            let bytes = UnsafeRawBufferPointer(start: data, count: Int(length))
            return file.append(bytes) ? CAIRO_STATUS_SUCCESS : CAIRO_STATUS_WRITE_ERROR
        }
        // The canvas keeps the file alive, and finishes the surface before it goes.
        let closure = Unmanaged.passUnretained(file).toOpaque()
        guard let surface = cairo_pdf_surface_create_for_stream(write, closure, width, height),
            let cairo = cairo_create(surface)
        else { throw RenderingError(message: "cairo cannot be set up") }
        self.surface = surface
        self.cairo = cairo
        self.file = file
    }

    deinit {
        if !isFinished { cairo_surface_finish(surface) }
        cairo_destroy(cairo)
        cairo_surface_destroy(surface)
    }

    /// Sets what a viewer shows about the document.
    ///
    /// - Parameter created: The moment of creation as ISO 8601 text; the same one makes the same bytes.
    func setMetadata(title: String, author: String, created: String) {
        cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_TITLE, title)
        cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_AUTHOR, author)
        cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_CREATOR, "Celeriac")
        cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_CREATE_DATE, created)
    }

    /// Ends the page; the next shape is on a new one.
    func endPage() {
        cairo_show_page(cairo)
    }

    /// Writes out the rest of the document.
    func finish() throws(RenderingError) {
        isFinished = true
        cairo_surface_finish(surface)
        let status = [cairo_status(cairo), cairo_surface_status(surface)].first { $0 != CAIRO_STATUS_SUCCESS }
        // A failed write has its own, better reason, which the file throws at its commit.
        guard let status, status != CAIRO_STATUS_WRITE_ERROR else { return }
        throw RenderingError(message: "cairo: \(String(cString: cairo_status_to_string(status)))")
    }

    // MARK: - Shapes

    /// Fills a rectangle.
    func fill(x: Double, y: Double, width: Double, height: Double, _ color: PDFColor) {
        setColor(color)
        cairo_rectangle(cairo, x, y, width, height)
        cairo_fill(cairo)
    }

    /// Fills a rectangle with rounded corners.
    func fillRounded(x: Double, y: Double, width: Double, height: Double, radius: Double, _ color: PDFColor) {
        setColor(color)
        roundedPath(x: x, y: y, width: width, height: height, radius: radius)
        cairo_fill(cairo)
    }

    /// Draws the frame of a rectangle with rounded corners.
    func frame(x: Double, y: Double, width: Double, height: Double, radius: Double, _ color: PDFColor) {
        setColor(color)
        cairo_set_line_width(cairo, 0.6)
        roundedPath(x: x, y: y, width: width, height: height, radius: radius)
        cairo_stroke(cairo)
    }

    /// Draws a horizontal line.
    func rule(x: Double, y: Double, width: Double, thickness: Double, _ color: PDFColor) {
        setColor(color)
        cairo_set_line_width(cairo, thickness)
        cairo_move_to(cairo, x, y)
        cairo_line_to(cairo, x + width, y)
        cairo_stroke(cairo)
    }

    /// Draws a picture at its upper left corner with the given height.
    func draw(_ image: PDFImage, x: Double, y: Double, height: Double) {
        cairo_save(cairo)
        cairo_translate(cairo, x, y)
        cairo_scale(cairo, height / image.height, height / image.height)
        cairo_set_source_surface(cairo, image.surface, 0, 0)
        cairo_paint(cairo)
        cairo_restore(cairo)
    }

    private func setColor(_ color: PDFColor) {
        cairo_set_source_rgb(cairo, color.red, color.green, color.blue)
    }

    private func roundedPath(x: Double, y: Double, width: Double, height: Double, radius: Double) {
        let quarter = Double.pi / 2
        cairo_new_sub_path(cairo)
        cairo_arc(cairo, x + width - radius, y + radius, radius, -quarter, 0)
        cairo_arc(cairo, x + width - radius, y + height - radius, radius, 0, quarter)
        cairo_arc(cairo, x + radius, y + height - radius, radius, quarter, 2 * quarter)
        cairo_arc(cairo, x + radius, y + radius, radius, 2 * quarter, 3 * quarter)
        cairo_close_path(cairo)
    }
}

/// A decoded PNG picture.
final class PDFImage {
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
        guard let surface = cairo_image_surface_create_from_png(path) else {
            throw RenderingError(message: "\(path) cannot be read")
        }
        self.surface = surface
        width = Double(cairo_image_surface_get_width(surface))
        height = Double(cairo_image_surface_get_height(surface))
        guard cairo_surface_status(surface) == CAIRO_STATUS_SUCCESS, height > 0 else {
            throw RenderingError(message: "\(path) is a damaged PNG file")
        }
    }

    deinit {
        cairo_surface_destroy(surface)
    }
}
