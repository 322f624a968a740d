import HTMLTemplates
import Mustache
import Testing

@Suite("Escaping for HTML")
struct HTMLEscapingTests {
    @Test(arguments: [
        ("", ""), ("plain İstanbul 🎉", "plain İstanbul 🎉"),
        (#"<a href="x">&'</a>"#, "&lt;a href=&quot;x&quot;&gt;&amp;&#39;&lt;/a&gt;"),
        ("&amp;", "&amp;amp;"), ("a\r\nb\u{0}", "a\r\nb\u{0}"),
    ])
    func `writes what HTML would read as more than text`(text: String, escaped: String) {
        #expect(HTMLEscaping().escapeText(text) == escaped)
    }

    @Test(arguments: ["\"", "'", "<", ">", "&"])
    func `is not fooled by a combining mark, which makes another character of a quote`(mark: String) {
        let text = mark + "\u{301} autofocus onfocus=alert(1)"
        let escaped = HTMLEscaping().escapeText(text)
        #expect(escaped.utf8.first == UInt8(ascii: "&"))
        #expect(!escaped.utf8.dropFirst().contains(mark.utf8.first ?? 0))
    }

    @Test(arguments: [
        "{{value}}", "{{#list}}{{.}}{{/list}}", "{{> partial}}", "{{<layout}}{{$block}}{{value}}{{/block}}{{/layout}}",
        "{{% CONTENT_TYPE: HTML}}{{value}}", "{{#object}}{{value}}{{/object}}",
    ])
    func `is done wherever a template shows a value`(source: String) throws {
        var library = MustacheLibrary()
        for (name, source) in [
            ("page", source), ("partial", "{{value}}"), ("layout", "{{$block}}{{/block}}{{value}}"),
        ] {
            library.register(try MustacheTemplate(html: source), named: name)
        }
        let value = "\"\u{301}<\u{301}"
        let page = try #require(
            library.render(["value": value, "list": [value], "object": ["value": value]], withTemplate: "page")
        )
        #expect(page.utf8.contains(UInt8(ascii: "&")))
        #expect(!page.utf8.contains(UInt8(ascii: "\"")))
        #expect(!page.utf8.contains(UInt8(ascii: "<")))
    }

    @Test func `changes nothing of the template itself`() throws {
        let source = "{{! a comment }}\n{{#list}}\n<p class=\"x\">{{{.}}}</p>\n{{/list}}\n"
        let data = ["list": ["<b>"]]
        #expect(try MustacheTemplate(html: source).render(data) == "<p class=\"x\"><b></p>\n")
    }

    @Test func `tells the line of the file in an error`() throws {
        let error = #expect(throws: MustacheTemplate.ParserError.self) { try MustacheTemplate(html: "a\n{{#b}}\n") }
        let plain = #expect(throws: MustacheTemplate.ParserError.self) { try MustacheTemplate(string: "a\n{{#b}}\n") }
        #expect(error?.context.lineNumber == plain?.context.lineNumber)
    }
}
