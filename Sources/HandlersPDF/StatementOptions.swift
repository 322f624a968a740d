import CeleriacTasks
import CeleryMessage
import Databases

/// The options of `pdf.mutabakat` and `pdf.mutabakat_bulk`, checked when the configuration is loaded.
///
/// | key | type | default |
/// | --- | --- | --- |
/// | `database` | `{sqlite: path}` | required |
/// | `output` | folder | required |
/// | `query`, `lines_query` | SQL with `:mutabakat_id` | the demo database's tables |
/// | `file_name` | template with `{mutabakat_id}` | `mutabakat-{mutabakat_id}.pdf` |
/// | `title`, `reference`, `closing`, `footer` | template | Turkish texts |
/// | `parties` | at most 2 of `{heading, lines}` | company and counterparty |
/// | `facts` | at most 6 of `{label, text}` | period, currency, opening balance, status |
/// | `columns` | list of ``StatementColumn`` | date, document, description, debit, credit, balance |
/// | `balance` | `{debit, credit, opening}` or `false` | `debit`, `credit`, `opening_balance` |
/// | `totals` | list of money columns | `[debit, credit, balance]` |
/// | `total_label`, `empty_text`, `signature_label` | text | Turkish texts |
/// | `signatures` | at most 3 of `{heading, name}` | company and counterparty |
/// | `page_label` | template with `{page}`, `{pages}` | `Sayfa {page} / {pages}` |
/// | `locale` | `tr_TR`, `de_DE`, `en_GB`, `en_US` | `tr_TR` |
/// | `paper`, `landscape` | `A4` or `Letter`; boolean | `A4`, `false` |
/// | `font`, `font_files`, `font_size` | family, list of files, 6 to 12 points | `DejaVu Sans`, none, 8 |
/// | `color` | `#RRGGBB` | `#1C3D61` |
/// | `logo` | PNG file | none |
/// | `max_lines` | 1 to 200000 | 20000 |
struct StatementOptions: Sendable {
    struct Party: Sendable {
        var heading: String
        var lines: [TextTemplate]
    }

    struct Fact: Sendable {
        var label: String
        var text: TextTemplate
    }

    struct Signature: Sendable {
        var heading: String
        var name: TextTemplate
    }

    /// Which columns the balance is calculated from.
    struct Balance: Sendable, Hashable {
        /// What the calculated column is called.
        static let column = "balance"
        /// Columns of `lines_query`.
        var debit: String
        var credit: String
        /// The column of `query` with the balance before the first line; nil starts at zero.
        var opening: String?
    }

    /// The parameter that both queries must use.
    static let idParameter = "mutabakat_id"

    var databasePath: String
    var outputFolder: String
    var query: String
    var linesQuery: String
    var fileName: TextTemplate
    var title: TextTemplate
    var reference: TextTemplate
    var parties: [Party]
    var facts: [Fact]
    var columns: [StatementColumn]
    var balance: Balance?
    var totals: [String]
    var totalLabel: String
    var emptyText: String
    var closing: TextTemplate
    var signatures: [Signature]
    var signatureLabel: String
    var footer: TextTemplate
    var pageLabel: PageLabel
    var locale: StatementLocale
    var maxLines: Int
    var design: StatementDesign
}

// MARK: - Reading

extension StatementOptions {
    private static let keys = [
        "database", "output", "query", "lines_query", "file_name", "title", "reference", "parties", "facts", "columns",
        "balance", "totals", "total_label", "empty_text", "closing", "signatures", "signature_label", "footer",
        "page_label", "locale", "paper", "landscape", "font", "font_files", "font_size", "color", "logo", "max_lines",
    ]

    /// Reads the options of a handler; the database itself is not opened.
    init(_ setup: HandlerSetup) throws(HandlerOptionError) {
        let options = setup.options
        try options.refuseUnknown(except: Self.keys)
        guard let database = try options.block("database") else { throw options.error("database", "is required") }
        try database.refuseUnknown(except: ["sqlite"])
        databasePath = setup.path(try database.requiredString("sqlite"))
        outputFolder = setup.path(try options.requiredString("output"))
        query = try options.sql("query", StatementDefaults.query)
        linesQuery = try options.sql("lines_query", StatementDefaults.linesQuery)
        fileName = try options.fileName("file_name", StatementDefaults.fileName)
        title = try options.template("title", StatementDefaults.title)
        reference = try options.template("reference", StatementDefaults.reference)
        closing = try options.template("closing", StatementDefaults.closing)
        footer = try options.template("footer", StatementDefaults.footer)
        parties = try options.parties()
        facts = try options.facts()
        signatures = try options.signatures()
        signatureLabel = try options.string("signature_label") ?? StatementDefaults.signatureLabel
        totalLabel = try options.string("total_label") ?? StatementDefaults.totalLabel
        emptyText = try options.string("empty_text") ?? StatementDefaults.emptyText
        pageLabel = try options.pageLabel()
        locale = try options.choice("locale") ?? .turkish
        maxLines = try options.int("max_lines", in: 1...200_000) ?? 20_000
        balance = try options.balance()
        columns = try options.columns() ?? StatementDefaults.columns(withBalance: balance != nil)
        totals = try options.totals(of: columns, balance: balance)
        design = try StatementDesign(options, path: setup.path)
    }
}

extension OptionReader {
    /// One of a few words.
    fileprivate func choice<Choice: RawRepresentable<String> & CaseIterable>(
        _ key: String
    ) throws(HandlerOptionError) -> Choice? {
        guard let text = try string(key) else { return nil }
        guard let choice = Choice(rawValue: text) else {
            let known = Choice.allCases.map(\.rawValue).joined(separator: ", ")
            throw error(key, "must be one of \(known), is \(text)")
        }
        return choice
    }

    /// A statement that selects by the id.
    fileprivate func sql(_ key: String, _ fallback: String) throws(HandlerOptionError) -> String {
        let text = try string(key) ?? fallback
        do throws(SQLError) {
            let names = try NamedSQL(text).names
            guard names.contains(StatementOptions.idParameter) else {
                throw SQLError(.invalidStatement, "must select by :\(StatementOptions.idParameter)")
            }
            if let other = names.first(where: { $0 != StatementOptions.idParameter }) {
                throw SQLError(.invalidStatement, "has a parameter :\(other), but only :mutabakat_id has a value")
            }
        } catch {
            throw self.error(key, error.message)
        }
        return text
    }

    fileprivate func template(_ key: String, _ fallback: String) throws(HandlerOptionError) -> TextTemplate {
        try parse(try string(key) ?? fallback, key)
    }

    private func parse(_ text: String, _ key: String) throws(HandlerOptionError) -> TextTemplate {
        do {
            return try TextTemplate(text)
        } catch {
            throw self.error(key, error.message)
        }
    }

    /// A file name; only the id may vary in it, or two statements could share a file.
    fileprivate func fileName(_ key: String, _ fallback: String) throws(HandlerOptionError) -> TextTemplate {
        let text = try string(key) ?? fallback
        let template = try parse(text, key)
        guard template.fields == [StatementOptions.idParameter] else {
            throw error(key, "must hold {mutabakat_id} once and no other field")
        }
        guard !text.contains("/"), !text.hasPrefix("."), text.utf8.count <= 120,
            !text.unicodeScalars.contains(where: { $0.value < 0x20 })
        else {
            throw error(key, "must be a plain file name of at most 120 bytes, without folders")
        }
        return template
    }

    fileprivate func pageLabel() throws(HandlerOptionError) -> PageLabel {
        let template = try template("page_label", StatementDefaults.pageLabel)
        if let other = template.fields.first(where: { $0 != "page" && $0 != "pages" }) {
            throw error("page_label", "{\(other)} is unknown here; known are {page} and {pages}")
        }
        return PageLabel(template)
    }

    fileprivate func parties() throws(HandlerOptionError) -> [StatementOptions.Party] {
        try limitedBlocks("parties", atMost: 2, StatementDefaults.parties).map { block throws(HandlerOptionError) in
            try block.refuseUnknown(except: ["heading", "lines"])
            let lines = try block.strings("lines") ?? []
            guard (1...8).contains(lines.count) else { throw block.error("lines", "must be 1 to 8 texts") }
            var templates: [TextTemplate] = []
            for line in lines { templates.append(try block.parse(line, "lines")) }
            return StatementOptions.Party(heading: try block.requiredString("heading"), lines: templates)
        }
    }

    fileprivate func facts() throws(HandlerOptionError) -> [StatementOptions.Fact] {
        try limitedBlocks("facts", atMost: 6, StatementDefaults.facts).map { block throws(HandlerOptionError) in
            try block.refuseUnknown(except: ["label", "text"])
            return StatementOptions.Fact(
                label: try block.requiredString("label"),
                text: try block.parse(try block.requiredString("text"), "text")
            )
        }
    }

    fileprivate func signatures() throws(HandlerOptionError) -> [StatementOptions.Signature] {
        try limitedBlocks("signatures", atMost: 3, StatementDefaults.signatures).map {
            block throws(HandlerOptionError) in
            try block.refuseUnknown(except: ["heading", "name"])
            return StatementOptions.Signature(
                heading: try block.requiredString("heading"),
                name: try block.template("name", "")
            )
        }
    }

    private func limitedBlocks(
        _ key: String,
        atMost limit: Int,
        _ fallback: [JSONObject]
    ) throws(HandlerOptionError) -> [OptionReader] {
        let blocks = try blocks(key) ?? fallback.map { OptionReader($0, path: path + [key]) }
        guard blocks.count <= limit else { throw error(key, "at most \(limit) fit, there are \(blocks.count)") }
        return blocks
    }

    /// Nil when switched off by `balance: false`.
    fileprivate func balance() throws(HandlerOptionError) -> StatementOptions.Balance? {
        guard let value = value("balance") else {
            return StatementOptions.Balance(debit: "debit", credit: "credit", opening: "opening_balance")
        }
        if value == .bool(false) { return nil }
        guard let block = try block("balance") else { return nil }
        try block.refuseUnknown(except: ["debit", "credit", "opening"])
        return StatementOptions.Balance(
            debit: try block.requiredString("debit"),
            credit: try block.requiredString("credit"),
            opening: try block.string("opening")
        )
    }

    fileprivate func columns() throws(HandlerOptionError) -> [StatementColumn]? {
        guard let blocks = try blocks("columns") else { return nil }
        guard (1...12).contains(blocks.count) else {
            throw error("columns", "must be 1 to 12 columns, there are \(blocks.count)")
        }
        return try blocks.map { block throws(HandlerOptionError) in try block.column() }
    }

    private func column() throws(HandlerOptionError) -> StatementColumn {
        try refuseUnknown(except: ["source", "heading", "width", "align", "kind", "places", "blank_zero"])
        let kind: StatementColumn.Kind = try choice("kind") ?? .text
        let width = try number("width") ?? 1
        guard (0.1...100).contains(width) else { throw error("width", "must be between 0.1 and 100, is \(width)") }
        return StatementColumn(
            source: try requiredString("source"),
            heading: try requiredString("heading"),
            width: width,
            alignment: try choice("align") ?? (kind == .money ? .right : .left),
            kind: kind,
            places: try int("places", in: 0...6) ?? 2,
            blankZero: try bool("blank_zero") ?? false
        )
    }

    fileprivate func totals(
        of columns: [StatementColumn],
        balance: StatementOptions.Balance?
    ) throws(HandlerOptionError) -> [String] {
        let money = columns.filter { $0.kind == .money }.map(\.source)
        guard let totals = try strings("totals") else {
            let totalled = ["debit", "credit"] + (balance == nil ? [] : [StatementOptions.Balance.column])
            return totalled.filter(money.contains)
        }
        if let other = totals.first(where: { !money.contains($0) }) {
            let known = money.isEmpty ? "there are none" : "those are \(money.joined(separator: ", "))"
            throw error("totals", "'\(other)' is not a column of kind money; \(known)")
        }
        return totals
    }
}

extension StatementDesign {
    fileprivate init(_ options: OptionReader, path: (String) -> String) throws(HandlerOptionError) {
        self.init()
        paper = try options.choice("paper") ?? paper
        isLandscape = try options.bool("landscape") ?? isLandscape
        family = try options.string("font") ?? family
        guard !family.isEmpty, !family.contains("\0") else { throw options.error("font", "the font family is empty") }
        fontFiles = try options.strings("font_files")?.map(path) ?? fontFiles
        fontSize = try options.number("font_size") ?? fontSize
        guard (6...12).contains(fontSize) else {
            throw options.error("font_size", "must be between 6 and 12, is \(fontSize)")
        }
        if let text = try options.string("color") {
            guard let color = PDFColor(hex: text) else {
                throw options.error("color", "must be like #1C3D61, is \(text)")
            }
            accent = color
        }
        logo = try options.string("logo").map(path)
    }
}
