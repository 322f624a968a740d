/// The parts of a statement before and after its table, each measured at the start and drawn where it is told.
///
/// Their texts are limited in lines and the options in number, so that they always leave room on a page.
struct Blocks {
    private let statement: Statement
    private let styles: StatementStyles
    private let frame: Frame
    private let text: TextSetter
    private let logo: PDFImage?

    /// Title, parties and facts on the first page, with the space below them.
    private(set) var openingHeight = 0.0
    /// The small title on the other pages, with the space below it.
    private(set) var runningHeight = 0.0
    /// The closing paragraph and the signatures, with the space above them; 0 for neither.
    private(set) var closingHeight = 0.0

    private var titleHeight = 0.0
    private var cardHeight = 0.0
    private var factHeight = 0.0
    private var factPlaces: [(x: Double, width: Double)] = []
    private var paragraphHeight = 0.0
    private var signatureHeight = 0.0

    private static let logoHeight = 40.0
    private static let cardPadding = 9.0
    private static let gap = 12.0
    private static let signatureSpace = 40.0

    init(statement: Statement, styles: StatementStyles, frame: Frame, text: TextSetter, logo: PDFImage?) {
        self.statement = statement
        self.styles = styles
        self.frame = frame
        self.text = text
        self.logo = logo
        measure()
    }

    private mutating func measure() {
        titleHeight = max(
            text.height(statement.title, styles.title, width: titleWidth),
            logo == nil ? 0 : Self.logoHeight
        )
        cardHeight = statement.parties.map(height(of:)).max() ?? 0
        factPlaces = places(of: statement.facts)
        factHeight = zip(statement.facts, factPlaces).map { height(of: $0, width: $1.width) }.max() ?? 0
        openingHeight = titleHeight + 8 + Self.gap
        if cardHeight > 0 { openingHeight += cardHeight + Self.gap }
        if factHeight > 0 { openingHeight += factHeight + Self.gap }
        runningHeight = text.height(statement.title, styles.runningTitle, width: frame.width) + Self.gap
        paragraphHeight =
            statement.closing.isEmpty ? 0 : text.height(statement.closing, styles.closing, width: frame.width)
        signatureHeight = statement.signatures.map(height(of:)).max() ?? 0
        closingHeight =
            (paragraphHeight > 0 ? paragraphHeight + 16 : 0) + (signatureHeight > 0 ? signatureHeight + 16 : 0)
    }

    // MARK: - Opening

    private var logoWidth: Double {
        guard let logo else { return 0 }
        return min(logo.width / logo.height * Self.logoHeight, frame.width * 0.3)
    }

    private var titleX: Double { frame.left + (logo == nil ? 0 : logoWidth + 14) }
    private var titleWidth: Double { frame.width * 0.68 - (titleX - frame.left) }

    /// Draws what the first page begins with.
    func drawOpening(on canvas: PDFCanvas, y: Double) {
        if let logo {
            canvas.draw(logo, x: frame.left, y: y, height: min(Self.logoHeight, logoWidth * logo.height / logo.width))
        }
        let height = text.height(statement.title, styles.title, width: titleWidth)
        text.draw(
            statement.title,
            styles.title,
            on: canvas.cairo,
            x: titleX,
            y: y + (titleHeight - height) / 2,
            width: titleWidth
        )
        let referenceWidth = frame.width * 0.3
        let referenceHeight = text.height(statement.reference, styles.reference, width: referenceWidth)
        text.draw(
            statement.reference,
            styles.reference,
            on: canvas.cairo,
            x: frame.left + frame.width - referenceWidth,
            y: y + (titleHeight - referenceHeight) / 2,
            width: referenceWidth
        )
        var y = y + titleHeight + 8
        canvas.fill(x: frame.left, y: y - 1, width: frame.width, height: 1.6, styles.title.color)
        y += Self.gap
        if cardHeight > 0 {
            for (index, party) in statement.parties.enumerated() { draw(party, at: index, on: canvas, y: y) }
            y += cardHeight + Self.gap
        }
        for (index, fact) in statement.facts.enumerated() { draw(fact, at: index, on: canvas, y: y) }
    }

    private var cardWidth: Double {
        let count = Double(max(statement.parties.count, 1))
        return (frame.width - (count - 1) * Self.gap) / count
    }

    private func lineStyle(_ index: Int) -> TextStyle { index == 0 ? styles.cardName : styles.cardLine }

    private func height(of party: Statement.Party) -> Double {
        let width = cardWidth - 2 * Self.cardPadding
        var height = 2 * Self.cardPadding + text.height(party.heading, styles.cardHeading, width: width) + 3
        for (index, line) in party.lines.enumerated() {
            height += text.height(line, lineStyle(index), width: width) + 2
        }
        return height
    }

    private func draw(_ party: Statement.Party, at index: Int, on canvas: PDFCanvas, y: Double) {
        let x = frame.left + Double(index) * (cardWidth + Self.gap)
        canvas.fillRounded(x: x, y: y, width: cardWidth, height: cardHeight, radius: 4, .shade)
        let width = cardWidth - 2 * Self.cardPadding
        var y = y + Self.cardPadding
        text.draw(party.heading, styles.cardHeading, on: canvas.cairo, x: x + Self.cardPadding, y: y, width: width)
        y += text.height(party.heading, styles.cardHeading, width: width) + 3
        for (index, line) in party.lines.enumerated() {
            text.draw(line, lineStyle(index), on: canvas.cairo, x: x + Self.cardPadding, y: y, width: width)
            y += text.height(line, lineStyle(index), width: width) + 2
        }
    }

    /// Each fact gets the width it needs, and the rest goes between them; too many share the width equally.
    private func places(of facts: [Statement.Fact]) -> [(x: Double, width: Double)] {
        let needed = facts.map {
            max(text.naturalWidth($0.label, styles.factLabel), text.naturalWidth($0.text, styles.factText)) + 1
        }
        let rest = frame.width - needed.reduce(0, +)
        let count = Double(facts.count)
        guard count > 1, rest > Self.gap * (count - 1) else {
            let share = frame.width / max(count, 1)
            return facts.indices.map { (frame.left + Double($0) * share, share - 8) }
        }
        var x = frame.left
        return needed.map { width in
            defer { x += width + rest / (count - 1) }
            return (x, width)
        }
    }

    private func height(of fact: Statement.Fact, width: Double) -> Double {
        text.height(fact.label, styles.factLabel, width: width) + 2
            + text.height(fact.text, styles.factText, width: width)
    }

    private func draw(_ fact: Statement.Fact, at index: Int, on canvas: PDFCanvas, y: Double) {
        let (x, width) = factPlaces[index]
        text.draw(fact.label, styles.factLabel, on: canvas.cairo, x: x, y: y, width: width)
        let below = y + text.height(fact.label, styles.factLabel, width: width) + 2
        text.draw(fact.text, styles.factText, on: canvas.cairo, x: x, y: below, width: width)
    }

    // MARK: - Running title

    /// Draws what every further page begins with.
    func drawRunning(on canvas: PDFCanvas, y: Double) {
        text.draw(
            statement.title,
            styles.runningTitle,
            on: canvas.cairo,
            x: frame.left,
            y: y,
            width: frame.width * 0.6
        )
        var style = styles.reference
        style.size = styles.runningTitle.size
        style.overflow = .ellipsis(lines: 1)
        text.draw(
            statement.reference,
            style,
            on: canvas.cairo,
            x: frame.left + frame.width * 0.6,
            y: y,
            width: frame.width * 0.4
        )
    }

    // MARK: - Closing

    /// Draws the paragraph after the table and the boxes to sign in.
    func drawClosing(on canvas: PDFCanvas, y: Double) {
        var y = y
        if paragraphHeight > 0 {
            y += 16
            text.draw(statement.closing, styles.closing, on: canvas.cairo, x: frame.left, y: y, width: frame.width)
            y += paragraphHeight
        }
        for (index, signature) in statement.signatures.enumerated() {
            draw(signature, at: index, on: canvas, y: y + 16)
        }
    }

    private var signatureWidth: Double {
        let count = Double(max(statement.signatures.count, 1))
        return (frame.width - (count - 1) * Self.gap) / count
    }

    private func height(of signature: Statement.Signature) -> Double {
        let width = signatureWidth - 2 * Self.cardPadding
        return 2 * Self.cardPadding + text.height(signature.heading, styles.cardHeading, width: width) + 3
            + text.height(signature.name, styles.cardLine, width: width) + Self.signatureSpace
            + text.height(statement.signatureLabel, styles.signatureLabel, width: width)
    }

    private func draw(_ signature: Statement.Signature, at index: Int, on canvas: PDFCanvas, y: Double) {
        let x = frame.left + Double(index) * (signatureWidth + Self.gap)
        canvas.frame(x: x, y: y, width: signatureWidth, height: signatureHeight, radius: 4, .rule)
        let inner = x + Self.cardPadding
        let width = signatureWidth - 2 * Self.cardPadding
        let top = y + Self.cardPadding
        text.draw(signature.heading, styles.cardHeading, on: canvas.cairo, x: inner, y: top, width: width)
        let nameY = top + text.height(signature.heading, styles.cardHeading, width: width) + 3
        text.draw(signature.name, styles.cardLine, on: canvas.cairo, x: inner, y: nameY, width: width)
        let labelHeight = text.height(statement.signatureLabel, styles.signatureLabel, width: width)
        let labelY = y + signatureHeight - Self.cardPadding - labelHeight
        canvas.rule(x: inner, y: labelY - 3, width: width, thickness: 0.5, .rule)
        text.draw(statement.signatureLabel, styles.signatureLabel, on: canvas.cairo, x: inner, y: labelY, width: width)
    }
}
