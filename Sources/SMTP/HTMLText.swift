/// Makes readable plain text out of a mail's HTML, for readers that show no HTML.
///
/// No browser: blocks become lines, links keep their address, style and script are left out.
enum HTMLText {
    private static let lineTags: Set<String> = [
        "br", "p", "div", "tr", "li", "ul", "ol", "table", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "hr",
        "section", "article", "header", "footer",
    ]
    private static let hiddenTags: Set<String> = ["script", "style", "head", "title"]

    /// The text of `html`, white space collapsed as a browser would, at most one empty line between blocks.
    static func plain(_ html: String) -> String {
        var reader = Reader(html)
        return reader.text()
    }

    private struct Reader {
        private var rest: Substring
        private var out = ""
        private var link: String?
        /// Set once no `>` is left, so that a text full of `<` is not searched to its end again and again.
        private var onlyText = false

        init(_ html: String) { rest = html[...] }

        mutating func text() -> String {
            while let next = rest.first {
                if next == "<" { readTag() } else { readText() }
            }
            return tidied(out)
        }

        private mutating func readText() {
            let end = rest.firstIndex(of: "<") ?? rest.endIndex
            for character in HTMLText.withoutEntities(rest[..<end]) {
                // A non-breaking space is a space that was meant.
                if character != "\u{a0}", character.isWhitespace {
                    if let last = out.last, !last.isWhitespace { out.append(" ") }
                } else {
                    out.append(character == "\u{a0}" ? " " : character)
                }
            }
            rest = rest[end...]
        }

        private mutating func readTag() {
            if rest.hasPrefix("<!--") {
                skip(past: "-->")
                return
            }
            guard !onlyText, let end = rest.firstIndex(of: ">") else {
                // No tag at all: a lone `<` is text.
                onlyText = true
                out.append("<")
                rest = rest.dropFirst()
                return
            }
            let inside = rest[rest.index(after: rest.startIndex)..<end]
            rest = rest[rest.index(after: end)...]
            let closing = inside.first == "/"
            let name = (closing ? inside.dropFirst() : inside).prefix { $0.isLetter || $0.isNumber }.lowercased()
            handle(name, closing: closing, attributes: inside)
        }

        private mutating func handle(_ name: String, closing: Bool, attributes: Substring) {
            if HTMLText.hiddenTags.contains(name), !closing {
                skip(past: "</\(name)")
                skip(past: ">")
            } else if name == "a" {
                if closing { closeLink() } else { link = HTMLText.address(in: attributes) }
            } else if name == "li" {
                if !closing { out += "\n- " }
            } else if name == "td" || name == "th" {
                if closing { out += " " }
            } else if HTMLText.lineTags.contains(name) {
                out += name == "p" || name.hasPrefix("h") && name.count == 2 ? "\n\n" : "\n"
            }
        }

        private mutating func closeLink() {
            if let link, !out.hasSuffix(link) { out += " (\(link))" }
            link = nil
        }

        /// Goes past the next `mark`, in whatever case, or to the end.
        private mutating func skip(past mark: String) {
            let wanted = Array(mark.utf8)
            let bytes = rest.utf8
            var start = bytes.startIndex
            while start != bytes.endIndex {
                if bytes[start...].prefix(wanted.count).lazy.map(HTMLText.lowered).elementsEqual(wanted) {
                    rest = rest[bytes.index(start, offsetBy: wanted.count)...]
                    return
                }
                start = bytes.index(after: start)
            }
            rest = rest[rest.endIndex...]
        }

        private func tidied(_ text: String) -> String {
            var lines: [String] = []
            for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
                let line = line.trimmed
                if line.isEmpty, lines.last?.isEmpty ?? true { continue }
                lines.append(line)
            }
            while lines.last?.isEmpty == true { lines.removeLast() }
            return lines.joined(separator: "\n") + "\n"
        }
    }

    private static func lowered(_ byte: UInt8) -> UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte + 32 : byte
    }

    /// The `href` of a link, when it leads somewhere a reader could follow.
    private static func address(in attributes: Substring) -> String? {
        guard let range = attributes.lowercased().firstRange(of: "href") else { return nil }
        // Lower-casing may change lengths outside ASCII, so the place is counted again in the original.
        let lowered = attributes.lowercased()
        let offset = lowered.distance(from: lowered.startIndex, to: range.upperBound)
        var rest = attributes.dropFirst(offset).drop(while: \.isWhitespace)
        guard rest.first == "=" else { return nil }
        rest = rest.dropFirst().drop(while: \.isWhitespace)
        let value: Substring
        if let quote = rest.first, quote == "\"" || quote == "'" {
            value = rest.dropFirst().prefix { $0 != quote }
        } else {
            value = rest.prefix { !$0.isWhitespace }
        }
        let link = withoutEntities(value)
        return ["http://", "https://", "mailto:"].contains { link.lowercased().hasPrefix($0) } ? link : nil
    }

    private static let entities = [
        "amp": "&", "lt": "<", "gt": ">", "quot": "\"", "apos": "'", "nbsp": "\u{a0}", "copy": "©", "reg": "®",
        "euro": "€", "hellip": "…", "ndash": "–", "mdash": "—", "laquo": "«", "raquo": "»", "bull": "•",
        "ouml": "ö", "Ouml": "Ö", "uuml": "ü", "Uuml": "Ü", "ccedil": "ç", "Ccedil": "Ç",
    ]

    private static func withoutEntities(_ text: Substring) -> String {
        guard text.contains("&") else { return String(text) }
        var out = ""
        var rest = text
        while let ampersand = rest.firstIndex(of: "&") {
            out += rest[..<ampersand]
            rest = rest[rest.index(after: ampersand)...]
            let name = rest.prefix(12).prefix { $0 != ";" }
            let end = rest.index(rest.startIndex, offsetBy: name.count)
            guard end < rest.endIndex, rest[end] == ";", let meant = character(named: name) else {
                out += "&"
                continue
            }
            out += meant
            rest = rest[rest.index(after: end)...]
        }
        return out + rest
    }

    private static func character(named name: Substring) -> String? {
        guard name.first == "#" else { return entities[String(name)] }
        let digits = name.dropFirst()
        let code = digits.first == "x" || digits.first == "X" ? UInt32(digits.dropFirst(), radix: 16) : UInt32(digits)
        return code.flatMap(UnicodeScalar.init).map { String(Character($0)) }
    }
}
