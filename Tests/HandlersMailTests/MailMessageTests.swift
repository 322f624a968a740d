import CeleryMessage
import Foundation
import TestSupport
import Testing

@testable import HandlersMail
@testable import SMTP

struct MailAddressTests {
    @Test(
        arguments: [
            ("a@b.co", nil, "a@b.co"), ("  a@b.co ", nil, "a@b.co"), ("<a@b.co>", nil, "a@b.co"),
            ("Ayşe Yılmaz <ayse@example.com.tr>", "Ayşe Yılmaz", "ayse@example.com.tr"),
            ("\"Doe, John\" <j.doe+x@example.com>", "Doe, John", "j.doe+x@example.com"),
            ("\"a \\\"b\\\"\" <a@localhost>", "a \"b\"", "a@localhost"),
        ] as [(String, String?, String)]
    )
    func `reads addresses as people write them`(text: String, name: String?, address: String) throws {
        let read = try MailAddress(text)
        #expect(read.name == name)
        #expect(read.address == address)
    }

    @Test(arguments: [
        "", "a", "a@", "@b", "a b@c.de", "a@b..c", "a@-b.c", "a@b\r\nRCPT TO:<x@y.z>", "a@b.c\u{0}", "a@b.c\n",
        "x\r\nBcc: v@w.x <a@b.c>", "ş@b.c", "a@şirket.com", "<a@b.c", "a@b.c> x", "\"a b\"@c.de", "a\u{2028}@b.c",
        "a<b@c.de> <d@e.fg", String(repeating: "a", count: 65) + "@b.c", "a@" + String(repeating: "b", count: 64),
    ])
    func `refuses what is no address or would be more`(text: String) {
        #expect(throws: MailFormatError.self) { try MailAddress(text) }
    }

    @Test func `splits lists at commas outside quotes`() throws {
        let list = try MailAddress.list("a@b.c, \"x, y\" <d@e.f>,, Z <g@h.i>")
        #expect(list.map(\.address) == ["a@b.c", "d@e.f", "g@h.i"])
        #expect(list[1].name == "x, y")
    }
}

struct MIMEWriterTests {
    /// What Python's reader sees in a message.
    private func read(_ bytes: [UInt8]) throws -> JSONValue {
        let folder = try ScratchFolder()
        let file = try folder.write(Data(bytes), to: "mail.eml")
        let script = """
            import sys, json, base64, email, email.policy
            m = email.message_from_binary_file(open(sys.argv[1], 'rb'), policy=email.policy.default)
            def known(d): return str(d).startswith('duplicate parameter name')  # the ASCII name beside the full one
            def person(h): return [[a.display_name, a.addr_spec] for a in m[h].addresses] if m[h] else []
            parts = [p for p in m.walk() if not p.is_multipart()]
            print(json.dumps({
              'subject': m['subject'], 'from': person('from'), 'to': person('to'), 'cc': person('cc'),
              'reply_to': person('reply-to'), 'bcc': m['bcc'], 'id': m['message-id'], 'date': m['date'],
              'types': [p.get_content_type() for p in m.walk()],
              'texts': [p.get_content().replace('\\r\\n', '\\n').rstrip('\\n') + '\\n'
                        for p in parts if p.get_content_maintype() == 'text' and not p.get_filename()],
              'files': [[p.get_filename(), p.get_content_type(), base64.b64encode(p.get_payload(decode=True)).decode()]
                        for p in parts if p.get_content_disposition() == 'attachment'],
              'defects': [str(d) for p in m.walk() for d in p.defects if not known(d)]
                         + [str(d) for p in m.walk() for h in p.values() for d in h.defects if not known(d)]}))
            """
        return try JSONReader.value(try ShellCommand.output("python3", "-c", script, file))
    }

    private func message(_ subject: String = "Hesap özeti") throws -> MailMessage {
        MailMessage(
            from: try MailAddress("Şirket A.Ş. <info@example.com.tr>"),
            to: [try MailAddress("a@b.c")],
            subject: subject,
            messageID: "task-1@example.com.tr",
            date: Instant(microseconds: 1_800_000_000_000_000)
        )
    }

    @Test func `Python reads a full mail as it was meant`() throws {
        var mail = try message()
        mail.to = [
            try MailAddress(name: "Işık, \"Ğ\"", address: "isik@example.com"), try MailAddress("John (Jr) Doe <j@d.e>"),
        ]
        mail.cc = [try MailAddress("plain@example.com")]
        mail.bcc = [try MailAddress("hidden@example.com")]
        mail.replyTo = [try MailAddress("Çağrı <reply@example.com>")]
        mail.text = "Merhaba ğüşıöç İĞÜŞÖÇ ₺\n.\nFrom here\ntrailing \t\nson"
        mail.html = "<p>Merhaba <b>ğüşıöç</b> & co</p>"
        let pdf = (0..<5000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let long = "çok uzun bir dosya adı " + String(repeating: "ğş", count: 40) + ".pdf"
        mail.attachments = [
            try MailAttachment(name: "mutabakat-şubat.pdf", bytes: pdf),
            try MailAttachment(name: long, bytes: [1, 2, 3]),
            try MailAttachment(
                name: "plain \"quoted\".txt",
                contentType: "text/plain",
                bytes: Array("x\r\n.\r\n".utf8)
            ),
            try MailAttachment(name: "empty.bin", bytes: []),
        ]
        let bytes = try MIMEWriter.bytes(of: mail)
        let seen = try read(bytes)
        #expect(seen["defects"]?.array == [])
        #expect(seen["subject"]?.string == "Hesap özeti")
        #expect(seen["from"] == [["Şirket A.Ş.", "info@example.com.tr"]])
        #expect(seen["to"] == [["Işık, \"Ğ\"", "isik@example.com"], ["John (Jr) Doe", "j@d.e"]])
        #expect(seen["cc"] == [["", "plain@example.com"]])
        #expect(seen["reply_to"] == [["Çağrı", "reply@example.com"]])
        #expect(seen["bcc"]?.isNull == true)
        #expect(seen["id"]?.string == "<task-1@example.com.tr>")
        #expect(seen["date"]?.string == "Fri, 15 Jan 2027 08:00:00 +0000")
        #expect(
            seen["types"]?.array?.prefix(4) == ["multipart/mixed", "multipart/alternative", "text/plain", "text/html"]
        )
        #expect(seen["texts"]?.array?.first == "Merhaba ğüşıöç İĞÜŞÖÇ ₺\n.\nFrom here\ntrailing \t\nson\n")
        #expect(seen["texts"]?.array?.last == "<p>Merhaba <b>ğüşıöç</b> & co</p>\n")
        let files = try #require(seen["files"]?.array)
        #expect(
            files.map { $0.array?[0] } == ["mutabakat-şubat.pdf", .string(long), "plain \"quoted\".txt", "empty.bin"]
        )
        #expect(files[0].array?[1] == "application/pdf")
        #expect(Base64.decode(Array((files[0].array?[2].string ?? "").utf8)) == pdf)
        #expect(files[3].array?[2] == "")
        #expect(bytes.allSatisfy { $0 < 128 && $0 != 0 })
        let lines = String(decoding: bytes, as: UTF8.self).components(separatedBy: "\r\n")
        #expect(lines.allSatisfy { $0.utf8.count <= 78 && !$0.contains("\n") && !$0.contains("\r") })
        #expect(!String(decoding: bytes, as: UTF8.self).contains("hidden@example.com"))
    }

    @Test(arguments: [
        "", "plain", "two  spaces", " lead", "trail ", "=?UTF-8?B?eA==?=", "İstanbul'da \"görüşme\" – 5 ₺",
        String(repeating: "uzun başlık ğüşıöç ", count: 20).trimmed, String(repeating: "x", count: 300),
        "👨‍👩‍👧‍👦 aile " + String(repeating: "👨‍👩‍👧‍👦", count: 10), "e\u{301}\u{301}\u{301} marks",
    ])
    func `subjects survive`(subject: String) throws {
        var mail = try message(subject)
        mail.text = "x"
        let seen = try read(try MIMEWriter.bytes(of: mail))
        #expect(seen["subject"]?.string == subject)
        #expect(seen["defects"]?.array == [])
    }

    @Test(arguments: [
        "", "a", "a\r\nb\rc\nd", String(repeating: "x", count: 2000), String(repeating: "ş", count: 2000),
        "=_part_1_celeriac\n--=_part_1_celeriac--", "tab\t\n space \n", "\u{0}\u{1}\u{7f}", "日本語のテキスト",
        "a=b=3D==", String(repeating: "0123456789 ", count: 30),
    ])
    func `texts survive`(text: String) throws {
        var mail = try message()
        mail.text = text
        mail.html = text
        let seen = try read(try MIMEWriter.bytes(of: mail))
        let lines = text.replacingOccurrences(of: "\r\n", with: "\n").replacingOccurrences(of: "\r", with: "\n")
        let expected = JSONValue.string(lines.hasSuffix("\n") ? lines : lines + "\n")
        #expect(seen["texts"] == [expected, expected])
        #expect(seen["defects"]?.array == [])
    }

    @Test(arguments: ["a\r\nBcc: x@y.z", "a\nb", "a\rb", "a\u{0}b", "a\u{2028}b", "a\u{85}b"])
    func `a subject cannot become a header`(subject: String) throws {
        let mail = try message(subject)
        #expect(throws: MailFormatError.self) { try MIMEWriter.bytes(of: mail) }
    }

    @Test(arguments: ["a\r\nb.pdf", "", "/", "a\u{0}", "x/"])
    func `attachments need a usable name`(name: String) {
        if name == "x/" {
            #expect((try? MailAttachment(name: name, bytes: []))?.name == "x")
        } else {
            #expect(throws: MailFormatError.self) { try MailAttachment(name: name, bytes: []) }
        }
    }

    @Test(arguments: ["x", "a/b\r\nX: y", "multipart/mixed", "message/rfc822", "a/b; c=d", "/", "a/"])
    func `attachments need a usable type`(type: String) {
        #expect(throws: MailFormatError.self) { try MailAttachment(name: "x", contentType: type, bytes: []) }
    }

    @Test func `the same mail gives the same bytes`() throws {
        var mail = try message()
        mail.html = "<b>ş</b>"
        #expect(try MIMEWriter.bytes(of: mail) == MIMEWriter.bytes(of: mail))
    }

    @Test(
        arguments: [
            (0, "Thu, 01 Jan 1970 00:00:00 +0000"), (-1, "Wed, 31 Dec 1969 23:59:59 +0000"),
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 +0000"), (4_107_542_399, "Sun, 28 Feb 2100 23:59:59 +0000"),
        ] as [(Int64, String)]
    )
    func `dates are right`(seconds: Int64, text: String) {
        #expect(MailDate.text(Instant(microseconds: seconds * 1_000_000)) == text)
    }
}

struct HTMLTextTests {
    @Test(arguments: [
        ("<p>Merhaba</p><p>dünya</p>", "Merhaba\n\ndünya\n"),
        ("a<br>b<BR/>c", "a\nb\nc\n"),
        ("<style>p{}</style><script>x<y</SCRIPT>ok", "ok\n"),
        ("<ul><li>bir</li><li>iki</li></ul>", "- bir\n- iki\n"),
        ("<a href=\"https://x.y/?a=1&amp;b=2\">tıkla</a>", "tıkla (https://x.y/?a=1&b=2)\n"),
        ("<a href='javascript:evil()'>no</a>", "no\n"),
        ("1 &lt; 2 &amp; 3 &#351;&#x15F; &bogus; &", "1 < 2 & 3 şş &bogus; &\n"),
        ("a < b", "a < b\n"), ("<!-- hidden <b> -->shown", "shown\n"), ("<style>never ends", "\n"),
        ("çok   boş\n\n  yer", "çok boş yer\n"), ("", "\n"),
    ])
    func `reads like the page`(html: String, text: String) {
        #expect(HTMLText.plain(html) == text)
    }

    @Test func `hostile text takes no time`() {
        let start = ContinuousClock.now
        _ = HTMLText.plain(String(repeating: "<", count: 50_000))
        _ = HTMLText.plain(String(repeating: "&", count: 50_000))
        _ = HTMLText.plain("<style>" + String(repeating: "</styl", count: 10_000))
        #expect(ContinuousClock.now - start < .seconds(10))
    }
}
