/// A configured statement, read once to find its `:name` parameters.
///
/// Parameters inside of quoted text, quoted identifiers and comments are left alone, and so is `::`. The other
/// notations of SQLite (`?`, `?1`, `@name`, `$name`) are refused: configured SQL has one way to name a value.
public struct NamedSQL: Sendable, Hashable {
    /// The statement with numbered parameters (`?1`, `?2`), the form SQLite takes.
    public let numbered: String
    /// The parameters' names in the order of their numbers, each once, without the colon.
    public let names: [String]

    /// Finds the parameters of a statement.
    ///
    /// - Throws: ``SQLError/Code/invalidStatement`` for an empty statement, unclosed quotes, or another notation.
    public init(_ sql: String) throws(SQLError) {
        var scanner = Scanner(sql)
        try scanner.run()
        guard scanner.sawStatement else { throw SQLError(.invalidStatement, "the statement is empty") }
        numbered = String(decoding: scanner.output, as: UTF8.self)
        names = scanner.names
    }

    /// The values for the numbered parameters, in order.
    ///
    /// - Throws: ``SQLError/Code/missingArgument`` when a parameter has no argument.
    func values(from arguments: [String: SQLValue]) throws(SQLError) -> [SQLValue] {
        var values: [SQLValue] = []
        for name in names {
            guard let value = arguments[name] else {
                throw SQLError(.missingArgument, "the statement's parameter :\(name) got no argument")
            }
            values.append(value)
        }
        return values
    }
}

extension NamedSQL {
    private struct Scanner {
        let input: [UInt8]
        var position = 0
        var output: [UInt8] = []
        var names: [String] = []
        var sawStatement = false

        init(_ sql: String) {
            input = Array(sql.utf8)
            output.reserveCapacity(input.count)
        }

        mutating func run() throws(SQLError) {
            while let byte = peek(0) {
                switch byte {
                case UInt8(ascii: "'"), UInt8(ascii: "\""), UInt8(ascii: "`"):
                    try copyQuoted(until: byte)
                case UInt8(ascii: "["):
                    try copyQuoted(until: UInt8(ascii: "]"))
                case UInt8(ascii: "-") where peek(1) == UInt8(ascii: "-"):
                    copyLine()
                case UInt8(ascii: "/") where peek(1) == UInt8(ascii: "*"):
                    copyComment()
                case UInt8(ascii: ":"):
                    copyColon()
                case UInt8(ascii: "?"):
                    throw SQLError(.invalidStatement, "the statement has a ? parameter; write :name instead")
                case UInt8(ascii: "@"), UInt8(ascii: "$"):
                    throw SQLError(
                        .invalidStatement,
                        "the statement has a \(Character(Unicode.Scalar(byte))) parameter; write :name instead"
                    )
                default:
                    copyPlain(byte)
                }
            }
        }

        /// Copies a plain byte; a word is copied whole, for `$` may stand inside of a name.
        private mutating func copyPlain(_ byte: UInt8) {
            if Self.startsName(byte) {
                while let next = peek(0), Self.continuesName(next) || next == UInt8(ascii: "$") { copy(1) }
                sawStatement = true
                return
            }
            copy(1)
            let isFiller = byte <= UInt8(ascii: " ") || byte == UInt8(ascii: ";")
            if !isFiller { sawStatement = true }
        }

        private mutating func copyQuoted(until quote: UInt8) throws(SQLError) {
            sawStatement = true
            copy(1)
            while let byte = peek(0) {
                copy(1)
                guard byte == quote else { continue }
                // A doubled quote stands for itself; brackets have no such escape.
                guard peek(0) == quote, quote != UInt8(ascii: "]") else { return }
                copy(1)
            }
            throw SQLError(
                .invalidStatement,
                "the statement ends inside of quotes: \(Character(Unicode.Scalar(quote))) is missing"
            )
        }

        private mutating func copyLine() {
            while let byte = peek(0) {
                copy(1)
                if byte == UInt8(ascii: "\n") { return }
            }
        }

        /// Copies a `/* comment */`; as in SQLite it does not nest and the end of the statement closes it.
        private mutating func copyComment() {
            copy(2)
            while let byte = peek(0) {
                if byte == UInt8(ascii: "*"), peek(1) == UInt8(ascii: "/") { return copy(2) }
                copy(1)
            }
        }

        private mutating func copyColon() {
            sawStatement = true
            if peek(1) == UInt8(ascii: ":") { return copy(2) }
            guard let first = peek(1), Self.startsName(first) else { return copy(1) }
            position += 1
            let start = position
            while let byte = peek(0), Self.continuesName(byte) { position += 1 }
            output.append(UInt8(ascii: "?"))
            output += String(number(of: String(decoding: input[start..<position], as: UTF8.self))).utf8
        }

        private mutating func number(of name: String) -> Int {
            if let index = names.firstIndex(of: name) { return index + 1 }
            names.append(name)
            return names.count
        }

        private func peek(_ distance: Int) -> UInt8? {
            position + distance < input.count ? input[position + distance] : nil
        }

        private mutating func copy(_ count: Int) {
            output += input[position..<position + count]
            position += count
        }

        private static func startsName(_ byte: UInt8) -> Bool {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"): true
            default: byte >= 0x80
            }
        }

        private static func continuesName(_ byte: UInt8) -> Bool {
            startsName(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        }
    }
}
