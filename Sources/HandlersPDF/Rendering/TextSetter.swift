import CPangoCairo

/// How a text looks.
struct TextStyle: Hashable {
    var size: Double
    var isBold = false
    var color = PDFColor.ink
    var alignment = StatementColumn.Alignment.left
    /// What to do with a text that is wider than its place.
    var overflow = Overflow.wrap

    enum Overflow: Hashable {
        /// Break it into as many lines as it takes.
        case wrap
        /// Break it into at most so many lines and end the last one with an ellipsis.
        case ellipsis(lines: Int)
        /// Make the letters smaller, down to half their size, then break it: figures are never cut off.
        case shrink
    }
}

/// Breaks texts into lines, measures and draws them, with one Pango layout used over and over.
///
/// Belongs to one thread at a time, as everything of Pango does.
final class TextSetter {
    private let library: celeriac_drawing
    private let fontMap: UnsafeMutablePointer<PangoFontMap>
    private let context: OpaquePointer
    private let layout: OpaquePointer
    private let family: String
    private var fonts: [FontKey: OpaquePointer] = [:]

    private struct FontKey: Hashable {
        var size: Double
        var isBold: Bool
    }

    /// Makes a font map of its own: the default one belongs to a thread, and queues change threads.
    init(family: String) throws(RenderingError) {
        let library = try DrawingLibrary.functions()
        guard let fontMap = library.pango_cairo_font_map_new(),
            let context = library.pango_font_map_create_context(fontMap),
            let layout = library.pango_layout_new(context)
        else { throw RenderingError(message: "Pango cannot be set up") }
        self.library = library
        self.fontMap = fontMap
        self.context = context
        self.layout = layout
        self.family = family
        // One unit is one point, and letters stand where they belong and not on whole points.
        library.pango_cairo_context_set_resolution(context, 72)
        library.pango_context_set_round_glyph_positions(context, 0)
        let options = library.cairo_font_options_create()
        library.cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE)
        library.cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF)
        library.pango_cairo_context_set_font_options(context, options)
        library.cairo_font_options_destroy(options)
        library.pango_context_set_language(context, library.pango_language_from_string("tr"))
        library.pango_layout_set_wrap(layout, PANGO_WRAP_WORD_CHAR)
    }

    deinit {
        for font in fonts.values { library.pango_font_description_free(font) }
        library.g_object_unref(UnsafeMutableRawPointer(layout))
        library.g_object_unref(UnsafeMutableRawPointer(context))
        library.g_object_unref(fontMap)
    }

    /// The heights of the lines that `text` takes within `width`; at least one.
    func lineHeights(_ text: String, _ style: TextStyle, width: Double) -> [Double] {
        set(text, style, width: width)
        return (0..<library.pango_layout_get_line_count(layout)).map { extents(of: $0).height }
    }

    /// The height that `text` takes within `width`.
    func height(_ text: String, _ style: TextStyle, width: Double) -> Double {
        lineHeights(text, style, width: width).reduce(0, +)
    }

    /// The width of a text that is not broken into lines.
    func naturalWidth(_ text: String, _ style: TextStyle) -> Double {
        set(text, style, width: 1)
        library.pango_layout_set_font_description(layout, font(style.size, style.isBold))
        library.pango_layout_set_width(layout, -1)
        return layoutWidth()
    }

    /// Draws lines of a text, each at the top of its place.
    ///
    /// - Parameters:
    ///   - lines: Which of the text's lines; all of them by default. Lines the text does not have are left out.
    ///   - heights: How far each line is from the next; the text's own heights by default.
    func draw(
        _ text: String,
        _ style: TextStyle,
        on cairo: OpaquePointer,
        x: Double,
        y: Double,
        width: Double,
        lines: Range<Int>? = nil,
        heights: ArraySlice<Double>? = nil
    ) {
        set(text, style, width: width)
        library.cairo_set_source_rgb(cairo, style.color.red, style.color.green, style.color.blue)
        var top = y
        let count = Int(library.pango_layout_get_line_count(layout))
        for index in (lines ?? 0..<count).clamped(to: 0..<count) {
            let line = library.pango_layout_get_line_readonly(layout, Int32(index))
            let extents = extents(of: Int32(index))
            let offset: Double =
                switch style.alignment {
                case .left: 0
                case .center: (width - extents.width) / 2
                case .right: width - extents.width
                }
            library.cairo_move_to(cairo, x + offset, top + extents.ascent)
            library.pango_cairo_show_layout_line(cairo, line)
            top += heights?[index] ?? extents.height
        }
    }

    private func extents(of line: Int32) -> (width: Double, height: Double, ascent: Double) {
        var logical = PangoRectangle()
        library.pango_layout_line_get_extents(library.pango_layout_get_line_readonly(layout, line), nil, &logical)
        let scale = Double(PANGO_SCALE)
        return (Double(logical.width) / scale, Double(logical.height) / scale, -Double(logical.y) / scale)
    }

    private func set(_ text: String, _ style: TextStyle, width: Double) {
        var isOneParagraph = false
        if case .ellipsis(let lines) = style.overflow {
            library.pango_layout_set_ellipsize(layout, PANGO_ELLIPSIZE_END)
            library.pango_layout_set_height(layout, -Int32(lines))
            isOneParagraph = true
        } else {
            library.pango_layout_set_ellipsize(layout, PANGO_ELLIPSIZE_NONE)
        }
        var printable = Self.printable(text, isOneParagraph: isOneParagraph)
        printable.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) {
                library.pango_layout_set_text(layout, $0.baseAddress, Int32($0.count))
            }
        }
        library.pango_layout_set_font_description(layout, font(style.size, style.isBold))
        library.pango_layout_set_width(layout, -1)
        if style.overflow == .shrink {
            let natural = layoutWidth()
            if natural > width {
                let size = max(style.size * width / natural * 0.99, style.size / 2)
                library.pango_layout_set_font_description(layout, font(size, style.isBold))
            }
        }
        library.pango_layout_set_width(layout, Int32(max(width, 1) * Double(PANGO_SCALE)))
    }

    private func layoutWidth() -> Double {
        var width: Int32 = 0
        library.pango_layout_get_size(layout, &width, nil)
        return Double(width) / Double(PANGO_SCALE)
    }

    private func font(_ size: Double, _ isBold: Bool) -> OpaquePointer? {
        let key = FontKey(size: size, isBold: isBold)
        if let font = fonts[key] { return font }
        let font = library.pango_font_description_new()
        library.pango_font_description_set_family(font, family)
        library.pango_font_description_set_absolute_size(font, size * Double(PANGO_SCALE))
        library.pango_font_description_set_weight(font, isBold ? PANGO_WEIGHT_BOLD : PANGO_WEIGHT_NORMAL)
        // Shrunk sizes are as many as there are texts: only the styles' own sizes are few enough to keep.
        if fonts.count >= 64 { dropFonts() }
        fonts[key] = font
        return font
    }

    private func dropFonts() {
        for font in fonts.values { library.pango_font_description_free(font) }
        fonts.removeAll(keepingCapacity: true)
    }

    /// The text without what would be drawn as a box or turn the reading direction around.
    static func printable(_ text: String, isOneParagraph: Bool) -> String {
        guard text.unicodeScalars.contains(where: { mustGo($0, isOneParagraph: isOneParagraph) }) else { return text }
        var result = String.UnicodeScalarView()
        let normalized = text.unicodeScalars.split(separator: "\r\n".unicodeScalars)
        for (index, part) in normalized.enumerated() {
            if index > 0 { result.append(isOneParagraph ? " " : "\n") }
            result.append(contentsOf: part.map { mustGo($0, isOneParagraph: isOneParagraph) ? " " : $0 })
        }
        return String(result)
    }

    private static func mustGo(_ scalar: Unicode.Scalar, isOneParagraph: Bool) -> Bool {
        switch scalar.value {
        case 0x0A: isOneParagraph
        case 0x00...0x1F, 0x7F...0x9F: true
        case 0x2028, 0x2029: isOneParagraph
        case 0x202A...0x202E, 0x2066...0x2069: true
        default: false
        }
    }
}
