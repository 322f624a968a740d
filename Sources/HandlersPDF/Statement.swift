import Databases

/// A reconciliation statement with every text as it will be printed.
struct Statement: Sendable {
    /// One of the two sides: whose name stands first, then tax number, office, address.
    struct Party: Sendable, Hashable {
        var heading: String
        var lines: [String]
    }

    /// A short fact under the parties, such as the period or the currency.
    struct Fact: Sendable, Hashable {
        var label: String
        var text: String
    }

    /// A box to sign in.
    struct Signature: Sendable, Hashable {
        var heading: String
        var name: String
    }

    /// The large heading.
    var title: String
    /// What identifies the statement, beside the title.
    var reference: String
    var parties: [Party]
    var facts: [Fact]
    var columns: [StatementColumn]
    /// The table's cells, as many in each row as there are columns.
    var rows: [[String]]
    /// The last row, empty texts where a column has no total; nil for a table without totals.
    var totals: [String]?
    /// What stands in the table when it has no rows.
    var emptyText: String
    /// The paragraph after the table; empty for none.
    var closing: String
    var signatures: [Signature]
    /// What each box asks for: stamp and signature.
    var signatureLabel: String
    /// The left half of every page's footer.
    var footer: String
    /// The right half: which page this is.
    var pageLabel: PageLabel
    /// The author in the file's metadata.
    var author: String
}

/// The text that numbers a page: `Sayfa {page} / {pages}`.
struct PageLabel: Sendable, Hashable {
    private let template: TextTemplate

    init(_ template: TextTemplate) {
        self.template = template
    }

    /// The text for one page, counted from 1.
    func text(page: Int, of pages: Int) -> String {
        // The option's check allows these two fields only, so filling cannot fail.
        (try? template.filled(.turkish) { .int(Int64($0 == "page" ? page : pages)) }) ?? ""
    }
}
