import CeleryMessage
import Foundation
import Glibc
import TestSupport
import Testing

@testable import HandlersMail
@testable import SMTP

struct AttachmentFolderTests {
    private func folder() throws -> (ScratchFolder, AttachmentFolder) {
        let scratch = try ScratchFolder()
        try FileManager.default.createDirectory(atPath: scratch.file("root/sub"), withIntermediateDirectories: true)
        try scratch.write(Data("inside".utf8), to: "root/sub/a.txt")
        try scratch.write(Data("secret".utf8), to: "secret.txt")
        try FileManager.default.createDirectory(atPath: scratch.file("root2"), withIntermediateDirectories: true)
        try scratch.write(Data("near".utf8), to: "root2/b.txt")
        for (link, target) in [
            ("out", "../secret.txt"), ("folder", ".."), ("in", "sub/a.txt"), ("absolute", scratch.file("secret.txt")),
        ] {
            try FileManager.default.createSymbolicLink(
                atPath: scratch.file("root/" + link),
                withDestinationPath: target
            )
        }
        mkfifo(scratch.file("root/pipe"), 0o600)
        return (scratch, try AttachmentFolder(scratch.file("root")))
    }

    @Test(arguments: ["sub/a.txt", "./sub/../sub/a.txt", "in"])
    func `reads files below the folder`(path: String) throws {
        let (scratch, folder) = try folder()
        #expect(try folder.read(path, limit: 100) == Array("inside".utf8))
        withExtendedLifetime(scratch) {}
    }

    @Test func `reads an absolute path below the folder`() throws {
        let (scratch, folder) = try folder()
        #expect(try folder.read(scratch.file("root/sub/a.txt"), limit: 100) == Array("inside".utf8))
    }

    @Test(arguments: [
        "../secret.txt", "/etc/hostname", "out", "absolute", "folder/secret.txt", "../root2/b.txt", "sub", ".", "",
        "missing", "pipe", "/dev/zero", "a\u{0}b",
    ])
    func `refuses everything else`(path: String) throws {
        let (scratch, folder) = try folder()
        #expect(throws: MailFormatError.self) { try folder.read(path, limit: 100) }
        withExtendedLifetime(scratch) {}
    }

    @Test func `refuses a file over the limit`() throws {
        let (scratch, folder) = try folder()
        #expect(throws: MailFormatError.self) { try folder.read("sub/a.txt", limit: 5) }
        #expect(try folder.read("sub/a.txt", limit: 6).count == 6)
        withExtendedLifetime(scratch) {}
    }

    @Test func `needs a folder`() throws {
        let (scratch, _) = try folder()
        #expect(throws: MailFormatError.self) { try AttachmentFolder(scratch.file("secret.txt")) }
        #expect(throws: MailFormatError.self) { try AttachmentFolder(scratch.file("nowhere")) }
    }
}

struct MailTemplatesTests {
    private func templates() throws -> (ScratchFolder, MailTemplates) {
        let folder = try ScratchFolder()
        for (name, text) in [
            ("welcome.subject", "Hoş geldin {{name}}\n"),
            ("welcome.text", "{{! required: name, link }}Merhaba {{name}}, {{link}}{{> footer}}"),
            ("welcome.html", "<p>Merhaba {{name}}</p>{{#items}}<i>{{.}}</i>{{/items}}{{> footer}}"),
            ("footer", "-- {{company}}"),
            ("bare.html", "<b>{{count}} {{price}} {{flag}} {{when}}</b>"),
        ] {
            try folder.write(Data(text.utf8), to: name + ".mustache")
        }
        return (folder, try MailTemplates(folder: folder.path))
    }

    @Test func `escapes HTML and leaves text alone`() throws {
        let (_, templates) = try templates()
        #expect(templates.names == ["bare", "welcome"])
        let mail = try templates.render(
            "welcome",
            data: ["name": "Ali & <Veli>", "link": "https://x/?a=1&b=2", "items": ["a<", "ş"], "company": "A&B"]
        )
        #expect(mail.subject == "Hoş geldin Ali & <Veli>")
        #expect(mail.text == "Merhaba Ali & <Veli>, https://x/?a=1&b=2-- A&B")
        #expect(mail.html == "<p>Merhaba Ali &amp; &lt;Veli&gt;</p><i>a&lt;</i><i>ş</i>-- A&amp;B")
    }

    @Test func `a subject stays on one line`() throws {
        let (_, templates) = try templates()
        let mail = try templates.render("welcome", data: ["name": "a\r\nBcc: x@y.z", "link": "l"])
        #expect(mail.subject == "Hoş geldin a Bcc: x@y.z")
    }

    @Test func `shows numbers and typed values`() throws {
        let (_, templates) = try templates()
        let data: JSONObject = [
            "count": 3, "price": .tagged(.decimal("12.50")), "flag": true, "when": .tagged(.date("2027-01-15")),
        ]
        let mail = try templates.render("bare", data: data)
        #expect(mail.html == "<b>3 12.50 true 2027-01-15</b>")
        #expect(mail.subject == nil)
    }

    @Test func `names what is missing`() throws {
        let (_, templates) = try templates()
        let missing = #expect(throws: MailFormatError.self) {
            try templates.render("welcome", data: ["name": "x", "link": nil])
        }
        #expect(missing?.message == "'welcome' needs data for link")
        let unknown = #expect(throws: MailFormatError.self) { try templates.render("../welcome", data: [:]) }
        #expect(unknown?.message == "is not a template: '../welcome'; known are bare, welcome")
    }

    @Test func `a broken template is refused at the start with its file`() throws {
        let folder = try ScratchFolder()
        try folder.write(Data("{{#open}}".utf8), to: "x.text.mustache")
        let error = #expect(throws: MailFormatError.self) { try MailTemplates(folder: folder.path) }
        #expect(error?.message.contains("x.text.mustache") == true)
    }
}
