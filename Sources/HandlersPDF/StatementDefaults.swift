import CeleryMessage

/// The default options: a Turkish reconciliation statement over the tables of the demo database.
enum StatementDefaults {
    static let query = """
        SELECT m.id, m.period_start, m.period_end, m.currency, m.opening_balance, m.status,
            c.name AS company, c.tax_number AS company_tax_number, c.tax_office AS company_tax_office,
            c.address || ', ' || c.city AS company_address,
            m.counterparty, m.counterparty_tax_number, m.counterparty_tax_office, m.counterparty_address
        FROM mutabakatlar m JOIN companies c ON c.id = m.company_id
        WHERE m.id = :mutabakat_id
        """
    static let linesQuery = """
        SELECT date, document_no, description, debit, credit
        FROM mutabakat_lines WHERE mutabakat_id = :mutabakat_id ORDER BY line_no
        """
    static let fileName = "mutabakat-{mutabakat_id}.pdf"
    static let title = "Cari Hesap Mutabakatı"
    static let reference = "Mutabakat No: {mutabakat_id}"
    static let closing = """
        {period_end|date} tarihi itibarıyla {counterparty} cari hesabının bakiyesi \
        {closing_amount|money} {currency} ({closing_side}) olarak kayıtlarımızda yer almaktadır. Mutabık olup \
        olmadığınızı, bu yazıyı kaşeleyip imzalayarak tarafımıza bildirmenizi rica ederiz.
        """
    static let footer = "{company} · Mutabakat No: {mutabakat_id}"
    static let pageLabel = "Sayfa {page} / {pages}"
    static let totalLabel = "TOPLAM"
    static let emptyText = "Bu dönemde hareket yoktur."
    static let signatureLabel = "Kaşe ve imza"

    static var parties: [JSONObject] {
        [
            party("DÜZENLEYEN", "company"),
            party("KARŞI TARAF", "counterparty"),
        ]
    }

    private static func party(_ heading: String, _ prefix: String) -> JSONObject {
        let lines: [JSONValue] = [
            .string("{\(prefix)}"),
            .string("Vergi dairesi: {\(prefix)_tax_office}"),
            .string("Vergi no: {\(prefix)_tax_number}"),
            .string("{\(prefix)_address}"),
        ]
        return JSONObject([("heading", .string(heading)), ("lines", .array(lines))])
    }

    static var facts: [JSONObject] {
        [
            ("Dönem", "{period_start|date} – {period_end|date}"),
            ("Para birimi", "{currency}"),
            ("Devir bakiyesi", "{opening_balance|money}"),
            ("Kapanış bakiyesi", "{closing_balance|money}"),
            ("Durum", "{status}"),
        ].map { JSONObject([("label", .string($0.0)), ("text", .string($0.1))]) }
    }

    static var signatures: [JSONObject] {
        [("DÜZENLEYEN", "{company}"), ("KARŞI TARAF", "{counterparty}")].map {
            JSONObject([("heading", .string($0.0)), ("name", .string($0.1))])
        }
    }

    static func columns(withBalance: Bool) -> [StatementColumn] {
        var columns = [
            StatementColumn(source: "date", heading: "Tarih", width: 1.35, alignment: .left, kind: .date),
            StatementColumn(source: "document_no", heading: "Belge no", width: 1.85, alignment: .left, kind: .text),
            StatementColumn(source: "description", heading: "Açıklama", width: 3.9, alignment: .left, kind: .text),
            StatementColumn(
                source: "debit",
                heading: "Borç",
                width: 1.45,
                alignment: .right,
                kind: .money,
                blankZero: true
            ),
            StatementColumn(
                source: "credit",
                heading: "Alacak",
                width: 1.45,
                alignment: .right,
                kind: .money,
                blankZero: true
            ),
        ]
        if withBalance {
            columns.append(
                StatementColumn(
                    source: StatementOptions.Balance.column,
                    heading: "Bakiye",
                    width: 1.6,
                    alignment: .right,
                    kind: .money
                )
            )
        }
        return columns
    }
}
