import CPangoCairo
import Synchronization

/// Checks that the fonts a design asks for are there before anything is drawn.
///
/// A missing font is silent otherwise: Pango takes any other one, or draws nothing, and the PDF looks valid.
enum PDFFonts {
    /// What a statement in Turkish cannot do without.
    static let requiredLetters = "ğüşıöçĞÜŞİÖÇ₺"

    /// What is wrong with the fonts.
    struct Problem: Error, Equatable {
        var message: String
        /// Whether a font file is at fault, and not the family.
        var isFile = false
    }

    /// Font files already made known to fontconfig, whose configuration is one for the whole process.
    private static let knownFiles = Mutex<Set<String>>([])

    /// Makes the design's font files known and checks that its family is there and has the Turkish letters.
    static func check(_ design: StatementDesign) throws(Problem) {
        let library: celeriac_drawing
        do {
            library = try DrawingLibrary.functions()
        } catch {
            throw Problem(message: error.message)
        }
        guard library.FcInit() != 0 else { throw Problem(message: "fontconfig cannot read its configuration") }
        for file in design.fontFiles { try add(file, library) }
        try check(family: design.family, library)
    }

    private static func add(_ file: String, _ library: celeriac_drawing) throws(Problem) {
        let isAdded = knownFiles.withLock { known in
            if known.contains(file) { return true }
            guard library.FcConfigAppFontAddFile(nil, file) != 0 else { return false }
            known.insert(file)
            return true
        }
        guard isAdded else { throw Problem(message: "\(file) is not a readable font file", isFile: true) }
    }

    private static func check(family: String, _ library: celeriac_drawing) throws(Problem) {
        let pattern = library.FcPatternCreate()
        defer { library.FcPatternDestroy(pattern) }
        _ = library.FcPatternAddString(pattern, FC_FAMILY, family)
        _ = library.FcConfigSubstitute(nil, pattern, FcMatchPattern)
        library.FcDefaultSubstitute(pattern)
        var outcome = FcResultMatch
        guard let match = library.FcFontMatch(nil, pattern, &outcome) else {
            throw Problem(message: "there is no font at all on this machine (Debian: install fonts-dejavu-core)")
        }
        defer { library.FcPatternDestroy(match) }
        let families = families(of: match, library)
        guard families.contains(where: { $0.lowercased() == family.lowercased() }) else {
            let instead = families.first.map { ", the nearest is \($0)" } ?? ""
            throw Problem(
                message:
                    "the font family \(family) is not installed\(instead) (DejaVu Sans: Debian's fonts-dejavu-core)"
            )
        }
        let missing = requiredLetters.unicodeScalars.filter { !has($0, in: match, library) }
        guard missing.isEmpty else {
            let letters = missing.map { String($0) }.joined(separator: " ")
            throw Problem(message: "the font family \(family) lacks \(letters); DejaVu Sans and Noto Sans have them")
        }
    }

    private static func families(of match: OpaquePointer, _ library: celeriac_drawing) -> [String] {
        var families: [String] = []
        var name: UnsafeMutablePointer<FcChar8>?
        while library.FcPatternGetString(match, FC_FAMILY, Int32(families.count), &name) == FcResultMatch,
            let found = name
        {
            families.append(String(cString: found))
        }
        return families
    }

    private static func has(_ letter: Unicode.Scalar, in match: OpaquePointer, _ library: celeriac_drawing) -> Bool {
        var letters: OpaquePointer?
        guard library.FcPatternGetCharSet(match, FC_CHARSET, 0, &letters) == FcResultMatch else { return false }
        return library.FcCharSetHasChar(letters, letter.value) != 0
    }
}
