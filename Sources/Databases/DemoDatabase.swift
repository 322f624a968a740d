import Foundation
public import FoundationEssentials
import GRDB
import Glibc

/// A small SQLite database to try the built-in handlers on: companies, users, logs and reconciliation statements.
///
/// The shipped default options of `pdf.mutabakat`, `pdf.mutabakat_bulk` and the maintenance handlers fit its tables:
///
/// - `companies(id, name, tax_number, tax_office, address, city, phone, email)`
/// - `mutabakatlar(id, company_id, counterparty, counterparty_tax_number, counterparty_tax_office,
///   counterparty_address, period_start, period_end, currency, opening_balance, status)`
/// - `mutabakat_lines(mutabakat_id, line_no, date, document_no, description, debit, credit)`
/// - `users(id, company_id, email, full_name, phone, password_changed_at, is_active)`
/// - `activity_logs(id, created_at, level, message)`
///
/// Money is text with two decimals (`1234.50`), days are `2027-01-15`, moments are UTC text as
/// ``SQLValue/timestamp(_:)`` stores them. Statements 1 to 5 fit on a page or two; number 123 has some 120 lines on
/// several pages.
public enum DemoDatabase {
    /// The statement long enough for several pages.
    public static let longStatement = 123

    /// Every letter that Turkish has beyond ASCII; some line of each statement holds this text.
    public static let turkishLetters = "ğüşıöç İĞÜŞÖÇ"

    /// Marks a file as ours (SQLite's `application_id`, "Demo").
    private static let applicationID = 0x4465_6D6F

    /// Creates the database, or brings its demo rows back to what they were; rows that others added stay.
    ///
    /// Ages count from `now`: of the users, some passwords have expired, some are about to, some are fresh; of the
    /// logs, half are older than 90 days.
    ///
    /// - Throws: ``SQLError/Code/cannotOpen`` when the file holds another database, so that real data is never touched.
    public static func create(at path: String, now: Date = Date()) throws {
        var configuration = Configuration()
        configuration.journalMode = .wal
        configuration.busyMode = .timeout(30)
        do {
            let folder = URL(fileURLWithPath: path).deletingLastPathComponent()
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            // Switching a new file to WAL does not wait for others who do the same: SQLite answers "locked" at once.
            let turn = open(folder.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            if turn >= 0 { flock(turn, LOCK_EX) }
            defer { if turn >= 0 { close(turn) } }
            let queue = try DatabaseQueue(path: path, configuration: configuration)
            try queue.inTransaction(.immediate) { database in
                try refuseForeign(database, path: path)
                try createTables(database)
                try insertCompanies(database)
                try insertUsers(database, now: now)
                try insertLogs(database, now: now)
                for statement in statements { try insert(statement, database) }
                return .commit
            }
            try queue.close()
        } catch let error as DatabaseError {
            throw SQLError(error)
        }
    }

    private static func refuseForeign(_ database: Database, path: String) throws {
        let mark = try Int.fetchOne(database, sql: "PRAGMA application_id")
        let tables = try Int.fetchOne(database, sql: "SELECT count(*) FROM sqlite_master")
        guard mark == applicationID || tables == 0 else {
            throw SQLError(.cannotOpen, "\(path) is a database of somebody else, not the demo's; it stays as it is")
        }
        try database.execute(sql: "PRAGMA application_id = \(applicationID)")
    }

    private static func createTables(_ database: Database) throws {
        try database.execute(
            sql: """
                CREATE TABLE IF NOT EXISTS companies (
                    id INTEGER PRIMARY KEY, name TEXT NOT NULL, tax_number TEXT NOT NULL, tax_office TEXT NOT NULL,
                    address TEXT NOT NULL, city TEXT NOT NULL, phone TEXT NOT NULL, email TEXT NOT NULL
                );
                CREATE TABLE IF NOT EXISTS mutabakatlar (
                    id INTEGER PRIMARY KEY, company_id INTEGER NOT NULL REFERENCES companies(id),
                    counterparty TEXT NOT NULL, counterparty_tax_number TEXT NOT NULL,
                    counterparty_tax_office TEXT NOT NULL, counterparty_address TEXT NOT NULL,
                    period_start TEXT NOT NULL, period_end TEXT NOT NULL, currency TEXT NOT NULL,
                    opening_balance TEXT NOT NULL, status TEXT NOT NULL
                );
                CREATE TABLE IF NOT EXISTS mutabakat_lines (
                    mutabakat_id INTEGER NOT NULL REFERENCES mutabakatlar(id) ON DELETE CASCADE,
                    line_no INTEGER NOT NULL, date TEXT NOT NULL, document_no TEXT NOT NULL, description TEXT NOT NULL,
                    debit TEXT, credit TEXT, PRIMARY KEY (mutabakat_id, line_no)
                ) WITHOUT ROWID;
                CREATE TABLE IF NOT EXISTS users (
                    id INTEGER PRIMARY KEY, company_id INTEGER NOT NULL REFERENCES companies(id),
                    email TEXT NOT NULL, full_name TEXT NOT NULL, phone TEXT NOT NULL,
                    password_changed_at TEXT NOT NULL, is_active INTEGER NOT NULL
                );
                CREATE TABLE IF NOT EXISTS activity_logs (
                    id INTEGER PRIMARY KEY, created_at TEXT NOT NULL, level TEXT NOT NULL, message TEXT NOT NULL
                );
                CREATE INDEX IF NOT EXISTS activity_logs_created_at ON activity_logs(created_at);
                """
        )
    }
}

// MARK: - Companies, users, logs

extension DemoDatabase {
    private static func insertCompanies(_ database: Database) throws {
        let companies = [
            [
                "Güneşli Örme Sanayi ve Ticaret A.Ş.", "4520318877", "Şişli", "Büyükdere Cad. No: 112 Kat: 4",
                "İstanbul", "02125550101", "muhasebe@gunesliorme.example.com",
            ],
            [
                "Çağdaş İnşaat Taahhüt Ltd. Şti.", "2310746655", "Çankaya", "Atatürk Bulvarı No: 87/12", "Ankara",
                "03125550102", "finans@cagdasinsaat.example.com",
            ],
            [
                "Iğdır Kayısı ve Süt Ürünleri A.Ş.", "4640129983", "Iğdır", "Söğütlü Mah. Özgür Sok. No: 5", "Iğdır",
                "04765550103", "cari@igdirkayisi.example.com",
            ],
        ]
        for (index, company) in companies.enumerated() {
            try database.execute(
                sql: "INSERT OR IGNORE INTO companies VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                arguments: StatementArguments([(index + 1).databaseValue] + company.map(\.databaseValue))
            )
        }
    }

    /// A user: company, name, mail account, phone, age of the password in days, whether active.
    private typealias User = (company: Int, name: String, account: String, phone: String, days: Int, active: Bool)

    private static func insertUsers(_ database: Database, now: Date) throws {
        let users: [User] = [
            (1, "Ayşe Yılmaz", "ayse.yilmaz", "05551234567", 12, true),
            (1, "Mehmet Öztürk", "mehmet.ozturk", "05559876543", 84, true),
            (1, "Gülşah Çağlar", "gulsah.caglar", "05321112233", 88, true),
            (2, "İbrahim Şahin", "ibrahim.sahin", "05423334455", 95, true),
            (2, "Işıl Doğan", "isil.dogan", "05055556677", 45, true),
            (2, "Ömer Kılıç", "omer.kilic", "05367778899", 140, false),
            (3, "Ümit Güneş", "umit.gunes", "05449990011", 86, true),
            (3, "Zeynep Ağaoğlu", "zeynep.agaoglu", "05382223344", 1, true),
        ]
        for (index, user) in users.enumerated() {
            let changed = now.addingTimeInterval(-Double(user.days) * 86_400)
            try database.execute(
                sql: """
                    INSERT INTO users VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET
                        password_changed_at = excluded.password_changed_at, is_active = excluded.is_active
                    """,
                arguments: [
                    index + 1, user.company, "\(user.account)@example.com", user.name, user.phone,
                    SQLValue.utcText(changed), user.active ? 1 : 0,
                ]
            )
        }
    }

    /// One line a day and a half over 300 days: 60 within the last 90 days, 140 before.
    private static func insertLogs(_ database: Database, now: Date) throws {
        let entries = [
            ("INFO", "Kullanıcı giriş yaptı"), ("INFO", "Mutabakat PDF'i oluşturuldu"),
            ("WARNING", "SMS ağ geçidi geç yanıt verdi"), ("INFO", "Excel dosyası işlendi"),
            ("ERROR", "E-posta gönderilemedi: alıcı bulunamadı"),
        ]
        for index in 0..<200 {
            let created = now.addingTimeInterval(-(Double(index) * 1.5 + 0.25) * 86_400)
            let entry = entries[index % entries.count]
            try database.execute(
                sql: """
                    INSERT INTO activity_logs VALUES (?, ?, ?, ?)
                    ON CONFLICT (id) DO UPDATE SET created_at = excluded.created_at
                    """,
                arguments: [index + 1, SQLValue.utcText(created), entry.0, entry.1]
            )
        }
    }
}

// MARK: - Statements

extension DemoDatabase {
    private struct Statement {
        var id: Int
        var company: Int
        var counterparty: [String]
        var currency = "TRY"
        /// Kuruş, positive when the counterparty owes.
        var opening: Int
        var status = "hazır"
        var lines: Int
    }

    private static let statements = [
        Statement(
            id: 1,
            company: 1,
            counterparty: [
                "Şen Kardeşler Tekstil Ltd. Şti.", "8110456721", "Osmangazi", "Fomara Meydanı No: 3, Bursa",
            ],
            opening: 1_250_000,
            lines: 14
        ),
        Statement(
            id: 2,
            company: 1,
            counterparty: ["Doğuş İplik Pazarlama A.Ş.", "3010998812", "Şehitkamil", "2. OSB 83209 Cad., Gaziantep"],
            opening: 0,
            status: "onaylandı",
            lines: 26
        ),
        Statement(
            id: 3,
            company: 2,
            counterparty: ["Ünal Yapı Malzemeleri", "9080123344", "Seyhan", "Kızılay Cad. No: 41, Adana"],
            opening: -485_075,
            lines: 9
        ),
        Statement(
            id: 4,
            company: 2,
            counterparty: ["Björk & Söhne GmbH", "DE811907980", "Köln-Mitte", "Hohe Straße 12, 50667 Köln"],
            currency: "EUR",
            opening: 99_990,
            status: "gönderildi",
            lines: 18
        ),
        Statement(
            id: 5,
            company: 3,
            counterparty: ["Göl Gıda Dağıtım A.Ş.", "3960777410", "Tuşba", "İskele Cad. No: 19, Van"],
            opening: 7_500_000,
            lines: 21
        ),
        Statement(
            id: longStatement,
            company: 1,
            counterparty: [
                "Çınarlı Büyük Mağazacılık ve Dış Ticaret A.Ş.", "2640557193", "Büyük Mükellefler",
                "Eski Büyükdere Cad. İş Kuleleri No: 7, Levent, İstanbul",
            ],
            opening: 12_345_678_90,
            lines: 120
        ),
    ]

    private static func insert(_ statement: Statement, _ database: Database) throws {
        let header: [any DatabaseValueConvertible] = [
            statement.id, statement.company, statement.counterparty[0], statement.counterparty[1],
            statement.counterparty[2], statement.counterparty[3], "2026-01-01", "2026-06-30", statement.currency,
            money(statement.opening), statement.status,
        ]
        try database.execute(
            sql: "INSERT OR IGNORE INTO mutabakatlar VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            arguments: StatementArguments(header.map(\.databaseValue))
        )
        for number in 1...statement.lines {
            try insertLine(number, of: statement, database)
        }
    }

    /// Writes one line; amounts and texts follow from the numbers alone, so every machine gets the same statement.
    private static func insertLine(_ number: Int, of statement: Statement, _ database: Database) throws {
        let day = (number - 1) * 180 / max(statement.lines, 1)
        let month = day / 30 + 1
        let date = "2026-\(padded(month, to: 2))-\(padded(min(day % 30 + 1, month == 2 ? 28 : 30), to: 2))"
        // A fixed scramble: figures that look like invoices.
        let scramble = (number &* 7_919 &+ statement.id &* 104_729) % 9_973
        let amount = scramble * 1_337 + 4_250
        let isPayment = number % 4 == 0
        let kind = kinds[isPayment ? 3 + number / 4 % 2 : number % 3]
        try database.execute(
            sql: "INSERT OR IGNORE INTO mutabakat_lines VALUES (?, ?, ?, ?, ?, ?, ?)",
            arguments: [
                statement.id, number, date, "\(kind.code)-2026\(padded(scramble, to: 6))",
                number == 2 ? "Numune: \(turkishLetters)" : kind.text,
                isPayment ? nil : money(amount), isPayment ? money(amount * 3) : nil,
            ]
        )
    }

    private static let kinds: [(code: String, text: String)] = [
        ("SFT", "Satış faturası"),
        (
            "IRS",
            "İrsaliyeli satış faturası: pamuklu ve yünlü örgü kumaş, çeşitli renklerde; teslim yeri Güngören deposu"
        ),
        ("VFR", "Vade farkı faturası, yıllık %24"),
        ("BNK", "Banka havalesi, Türkiye İş Bankası Şişli şubesi"),
        ("CEK", "Müşteri çeki, keşide yeri Eskişehir"),
    ]

    /// Kuruş as text with two decimals.
    private static func money(_ kurus: Int) -> String {
        let digits = padded(abs(kurus), to: 3)
        return (kurus < 0 ? "-" : "") + digits.dropLast(2) + "." + digits.suffix(2)
    }

    private static func padded(_ number: Int, to width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
