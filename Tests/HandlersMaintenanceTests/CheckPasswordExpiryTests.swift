import CeleriacTasks
import CeleryMessage
import Databases
import Foundation
import TestSupport
import Testing

@testable import HandlersMaintenance

struct CheckPasswordExpiryTests {
    private let folder: ScratchFolder
    private let database: SQLiteDatabase

    init() async throws {
        folder = try ScratchFolder()
        database = SQLiteDatabase(path: folder.file("data.db"), mode: .create)
        try await database.execute(
            "create table users (id integer primary key, email text, full_name text, password_changed_at text, is_active integer)"
        )
    }

    private func add(_ name: String, email: String?, age days: Double, active: Bool = true) async throws {
        try await database.execute(
            "insert into users (email, full_name, password_changed_at, is_active) values (:email, :name, :changed, :active)",
            [
                "email": email.map { .text($0) } ?? .null, "name": .text(name), "active": .bool(active),
                "changed": .timestamp(Date(timeIntervalSince1970: noon.seconds - days * 86_400)),
            ]
        )
    }

    /// Five users, of whom two are within a week of the end of ninety days.
    private func addFive() async throws {
        try await add("Ayşe Yılmaz", email: "ayse@example.com", age: 12)
        try await add("Mehmet Öztürk", email: "mehmet@example.com", age: 84.5)
        try await add("Gülşah Çağlar", email: "gulsah@example.com", age: 88.25)
        try await add("İbrahim Şahin", email: "ibrahim@example.com", age: 95)
        try await add("Ömer Kılıç", email: "omer@example.com", age: 86, active: false)
    }

    private func handler(_ options: JSONObject = [:], days: Double = 0) throws -> CheckPasswordExpiry {
        var all: JSONObject = ["database": ["sqlite": "data.db"], "queue": "email"]
        for (key, value) in options { all[key] = value }
        var read = try PasswordExpiryOptions(setup(all, in: folder))
        read.now = { noon + .seconds(days * 86_400) }
        return CheckPasswordExpiry(options: read)
    }

    @Test func `mails those whose password ends within the week`() async throws {
        try await addFive()
        let reporter = RecordingReporter()
        let result = try await run(handler(), reporter: reporter)
        #expect(result["mailed"] == 2)
        #expect(result["expiring"] == 2)
        #expect(result["users"] == ["g***@example.com", "m***@example.com"])
        let mails = reporter.enqueued
        #expect(mails.map(\.task) == [String](repeating: "backend.tasks.email_tasks.send_email", count: 2))
        #expect(mails.map { $0.kwargs["to_email"] } == ["gulsah@example.com", "mehmet@example.com"])
        #expect(mails.allSatisfy { $0.options["queue"] == "email" && $0.immutable && $0.args.isEmpty })
        #expect(mails[0].kwargs["subject"] == "Şifrenizin süresi 2 gün içinde doluyor")
        #expect(
            mails[0].kwargs["body"]?.string?.hasPrefix(
                "Sayın Gülşah Çağlar,\n\nŞifrenizin geçerlilik süresi 17.01.2027 tarihinde doluyor."
            ) == true
        )
    }

    @Test func `tells nobody twice in the same week and everybody again in the next`() async throws {
        try await addFive()
        #expect(try await run(handler())["mailed"] == 2)
        let again = RecordingReporter()
        let result = try await run(handler(days: 1), id: "run-2", reporter: again)
        #expect(result["mailed"] == 0)
        #expect(result["told_before"] == 2)
        #expect(again.enqueued.isEmpty)
        try await database.execute("update users set password_changed_at = '2026-10-24 12:00:00.000' where id = 2")
        #expect(try await run(handler(days: 1), id: "run-3")["mailed"] == 1)
    }

    @Test func `reminds after the days it is told`() async throws {
        try await add("Ayşe", email: "ayse@example.com", age: 75)
        let options: JSONObject = ["warn_days": 30]
        #expect(try await run(handler(options))["mailed"] == 1)
        #expect(try await run(handler(options, days: 6), id: "2")["mailed"] == 0)
        // A weekly schedule may come a little early.
        #expect(try await run(handler(options, days: 6.99), id: "3")["mailed"] == 1)
        #expect(try await run(handler(options, days: 7), id: "4")["mailed"] == 0)
    }

    @Test func `tells the same users again when the run itself is delivered again`() async throws {
        try await addFive()
        #expect(try await run(handler(), id: "same")["mailed"] == 2)
        let reporter = RecordingReporter()
        #expect(try await run(handler(), id: "same", reporter: reporter)["mailed"] == 2)
        #expect(reporter.enqueued.count == 2)
    }

    @Test func `writes nothing down when the query fails`() async throws {
        try await addFive()
        let failure = await #expect(throws: TaskFailure.self) {
            try await run(handler(["query": "select nothing from nowhere"]))
        }
        #expect(failure?.type == "RuntimeError")
        #expect(try await run(handler(), id: "run-2")["mailed"] == 2)
    }

    @Test func `mails those who are late too, when told`() async throws {
        try await addFive()
        let reporter = RecordingReporter()
        let result = try await run(handler(["include_expired": true]), reporter: reporter)
        #expect(result["mailed"] == 3)
        #expect(reporter.enqueued[0].kwargs["to_email"] == "ibrahim@example.com")
        #expect(reporter.enqueued[0].kwargs["subject"] == "Şifrenizin süresi doldu")
    }

    @Test func `leaves the rest to the next run beyond its bound`() async throws {
        try await addFive()
        #expect(try await run(handler(["max_mails": 1]))["users"] == ["g***@example.com"])
        #expect(try await run(handler(["max_mails": 1]), id: "run-2")["users"] == ["m***@example.com"])
    }

    @Test func `counts users that cannot be mailed`() async throws {
        try await add("x", email: nil, age: 88)
        try await add("y", email: "no address", age: 88)
        try await add("z", email: "z@example.com", age: 88)
        let result = try await run(handler())
        #expect(result["checked"] == 3)
        #expect(result["unusable"] == 2)
        #expect(result["mailed"] == 1)
    }

    @Test func `mails an address once, whatever the query returns`() async throws {
        try await addFive()
        let query = "select 'A@example.com' as email, password_changed_at from users where id in (2, 3)"
        #expect(try await run(handler(["query": .string(query)]))["mailed"] == 1)
    }

    @Test func `takes a moment of expiry instead of one of change`() async throws {
        let end = noon.microseconds / 1_000_000 + 3 * 86_400
        let query =
            "select 'a@example.com' as email, \(end) as expires_at union select 'b@example.com', '2027-01-18T16:00:00Z'"
        let result = try await run(handler(["query": .string(query)]))
        #expect(result["users"] == ["a***@example.com", "b***@example.com"])
    }

    @Test func `keeps line breaks of a name out of the subject`() async throws {
        try await add("Ayşe\r\nBcc: x@example.com", email: "ayse@example.com", age: 88)
        let reporter = RecordingReporter()
        _ = try await run(handler(["subject": "{name}: {email} {days} {date}", "body": "{name}"]), reporter: reporter)
        let subject = reporter.enqueued.first?.kwargs["subject"]?.string ?? ""
        #expect(subject == "Ayşe  Bcc: x@example.com: ayse@example.com 2 17.01.2027")
    }

    @Test func `never reads a name as a template`() {
        let text = MailText("{name} {days} {").filled([.name: "{days}", .days: "3"])
        #expect(text == "{days} 3 {")
    }

    @Test func `takes the days from the argument before the option`() async throws {
        try await addFive()
        #expect(try await run(handler(), ["days": 2])["mailed"] == 1)
        let failure = await #expect(throws: TaskFailure.self) { try await run(handler(), ["days": -1]) }
        #expect(failure?.type == "ValueError")
    }

    @Test func `fits the demo database as it comes`() async throws {
        try DemoDatabase.create(at: folder.file("demo.db"), now: Date(timeIntervalSince1970: noon.seconds))
        let result = try await run(handler(["database": ["sqlite": "demo.db"]]))
        #expect(result["mailed"]?.int ?? 0 > 0)
        #expect(result["unusable"] == 0)
    }

    @Test(
        arguments: [
            ([:], "options.database"), (["database": ["sqlite": "x"], "max_age_days": 0], "options.max_age_days"),
            (
                ["database": ["sqlite": "x"], "subject": "{nmae}"],
                "options.subject: has the unknown placeholder {nmae}"
            ),
            (["database": ["sqlite": "x"], "query": "select :a; select 2 'x"], "options.query"),
            (["databse": 1], "options.databse"),
            (["database": ["sqlite": "x"], "notices": ["file": "x"]], "options.notices.file"),
        ] as [(JSONObject, String)]
    ) func `names the option that is wrong`(options: JSONObject, message: String) {
        let error = #expect(throws: HandlerOptionError.self) {
            try MaintenanceHandlers.factories[1].make(setup(options, in: folder))
        }
        #expect(error?.description.hasPrefix(message) == true, "\(error?.description ?? "")")
    }
}
