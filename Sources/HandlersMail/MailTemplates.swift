public import CeleryMessage
import FoundationEssentials
import HTMLTemplates
import Mustache
public import SMTP

/// The mail templates of a folder, parsed once.
///
/// A template named `welcome` consists of `welcome.subject.mustache`, `welcome.text.mustache` and
/// `welcome.html.mustache`; at least one body must be there, the subject may come from the task instead. Any other
/// `*.mustache` file is a partial for `{{> name}}`. HTML escapes what it is given, subject and text do not.
/// `{{! required: name, link }}` in any of the files makes rendering fail when one of these is not given: Mustache
/// itself renders a missing value as nothing.
public struct MailTemplates: Sendable {
    /// A rendered mail.
    public struct Rendered: Sendable, Hashable {
        /// The subject on one line, when the template has one.
        public var subject: String?
        /// The plain text, when the template has one.
        public var text: String?
        /// The HTML, when the template has one.
        public var html: String?
    }

    private static let ending = ".mustache"
    private static let textMark = "{{% CONTENT_TYPE:TEXT}}"
    /// The same files twice: Mustache escapes for HTML unless a file itself says otherwise, and a partial serves both.
    private var pages = MustacheLibrary()
    private var texts = MustacheLibrary()
    private var required: [String: Set<String>] = [:]
    /// The names of the templates, sorted.
    public private(set) var names: [String] = []

    /// Reads and parses every template of `folder`; throws naming the file that is wrong.
    public init(folder: String) throws(MailFormatError) {
        let files: [String]
        do {
            files = try FileManager.default.contentsOfDirectory(atPath: folder)
        } catch {
            throw MailFormatError("is not a folder: \(folder)")
        }
        var found: Set<String> = []
        for file in files.sorted() where file.hasSuffix(Self.ending) {
            let name = String(file.dropLast(Self.ending.count))
            try register(name, file: folder + "/" + file)
            if name.hasSuffix(".text") || name.hasSuffix(".html") { found.insert(String(name.dropLast(5))) }
        }
        names = found.sorted()
    }

    private mutating func register(_ name: String, file: String) throws(MailFormatError) {
        guard let data = FileManager.default.contents(atPath: file),
            let source = String(validating: data, as: UTF8.self)
        else { throw MailFormatError("has a template that is not UTF-8 text: \(file)") }
        for key in Self.requiredKeys(source) { required[Self.base(name), default: []].insert(key) }
        do {
            pages.register(try MustacheTemplate(html: source), named: name)
            texts.register(try MustacheTemplate(string: Self.textMark + source), named: name)
        } catch {
            throw MailFormatError("has a template that cannot be parsed: \(file): \(error)")
        }
    }

    private static func base(_ name: String) -> String {
        for part in [".subject", ".text", ".html"] where name.hasSuffix(part) {
            return String(name.dropLast(part.count))
        }
        return name
    }

    /// The names in `{{! required: a, b }}` comments.
    private static func requiredKeys(_ source: String) -> [String] {
        var keys: [String] = []
        for piece in source.split(separator: "{{!").dropFirst(source.hasPrefix("{{!") ? 0 : 1) {
            let comment = piece.prefix(upTo: piece.firstRange(of: "}}")?.lowerBound ?? piece.endIndex).trimmed
            guard comment.hasPrefix("required:") else { continue }
            keys += comment.dropFirst("required:".count).split(separator: ",").map(\.trimmed).filter { !$0.isEmpty }
        }
        return keys
    }

    /// Fills a template; throws for an unknown name or a required value that is missing.
    public func render(_ name: String, data: JSONObject) throws(MailFormatError) -> Rendered {
        guard names.contains(name) else {
            let known = names.isEmpty ? "there are none" : "known are \(names.joined(separator: ", "))"
            throw MailFormatError("is not a template: \(name.quotedForMessage); \(known)")
        }
        let missing = (required[name] ?? []).filter { data[$0]?.isNull ?? true }.sorted()
        guard missing.isEmpty else {
            throw MailFormatError("\(name.quotedForMessage) needs data for \(missing.joined(separator: ", "))")
        }
        let object = Self.plain(.object(data)) ?? [:]
        let subject = texts.render(object, withTemplate: name + ".subject")
        return Rendered(
            subject: subject.map {
                $0.split(whereSeparator: \.isNewline).map(\.trimmed).joined(separator: " ").trimmed
            },
            text: texts.render(object, withTemplate: name + ".text"),
            html: pages.render(object, withTemplate: name + ".html")
        )
    }

    /// What Mustache looks values up in; `nil` for `null`, which a template sees as missing.
    private static func plain(_ value: JSONValue) -> Any? {
        switch value {
        case .null: return nil
        case .bool(let flag): return flag
        case .int(let number): return number
        case .bigInt(let digits): return digits
        case .double(let number): return number
        case .string(let text): return text
        case .array(let values): return values.compactMap(plain)
        case .object(let object):
            var members: [String: Any] = [:]
            for (key, value) in object { members[key] = plain(value) }
            return members
        case .tagged(let tagged): return plain(tagged)
        }
    }

    private static func plain(_ tagged: TaggedValue) -> String {
        switch tagged {
        case .datetime(let text), .date(let text), .time(let text), .decimal(let text), .uuid(let text): text
        case .bytes(let bytes): String(decoding: bytes, as: UTF8.self)
        }
    }
}
