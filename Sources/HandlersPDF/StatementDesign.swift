/// How a statement looks: paper, font, colour, logo.
struct StatementDesign: Sendable, Hashable {
    /// The size of a sheet in points (1/72 inch), upright.
    enum Paper: String, Sendable, CaseIterable {
        case a4 = "A4"
        case letter = "Letter"

        var size: (width: Double, height: Double) {
            switch self {
            case .a4: (595.276, 841.89)
            case .letter: (612, 792)
            }
        }
    }

    var paper = Paper.a4
    var isLandscape = false
    /// The font family; it must be installed or among ``fontFiles``.
    var family = "DejaVu Sans"
    /// Font files to use besides the installed ones.
    var fontFiles: [String] = []
    /// The size of the table's text in points; the other sizes follow from it.
    var fontSize = 8.0
    /// The colour of the title, the table's head and the rules.
    var accent = PDFColor(red: 0.11, green: 0.24, blue: 0.38)
    /// A PNG file, shown in the upper left corner.
    var logo: String?

    var pageWidth: Double { isLandscape ? paper.size.height : paper.size.width }
    var pageHeight: Double { isLandscape ? paper.size.width : paper.size.height }
}

/// A colour by its parts from 0 to 1.
struct PDFColor: Sendable, Hashable {
    var red: Double
    var green: Double
    var blue: Double

    init(red: Double, green: Double, blue: Double) {
        self.red = red
        self.green = green
        self.blue = blue
    }

    /// Reads `#1C3D61`; nil for anything else.
    init?(hex: String) {
        guard hex.utf8.count == 7, hex.first == "#", let number = UInt32(hex.dropFirst(), radix: 16) else { return nil }
        red = Double(number >> 16 & 0xFF) / 255
        green = Double(number >> 8 & 0xFF) / 255
        blue = Double(number & 0xFF) / 255
    }

    static let white = PDFColor(red: 1, green: 1, blue: 1)
    /// Nearly black: body text.
    static let ink = PDFColor(red: 0.11, green: 0.13, blue: 0.17)
    /// Grey: labels and footers.
    static let muted = PDFColor(red: 0.42, green: 0.46, blue: 0.52)
    /// Light grey: thin rules and frames.
    static let rule = PDFColor(red: 0.83, green: 0.86, blue: 0.89)
    /// Nearly white: every other row, and the cards of the parties.
    static let shade = PDFColor(red: 0.957, green: 0.965, blue: 0.976)

    /// This colour mixed with so much white (0 to 1).
    func lightened(_ share: Double) -> PDFColor {
        PDFColor(red: red + (1 - red) * share, green: green + (1 - green) * share, blue: blue + (1 - blue) * share)
    }
}
