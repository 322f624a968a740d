/// A regular expression over node names, matched from the start of a name as Python's `re.match` does.
///
/// It comes from whoever may publish to Redis, so it must not be able to stall the worker: there is no backtracking, and a
/// match takes as long as name and pattern are long, multiplied. It knows characters, `.`, classes, `\d \w \s` and their
/// opposites, groups, `|`, `* + ? {m,n}` (lazy or not), `^`, `$` and `\b`; look-around and back references are refused.
struct NamePattern: Sendable {
    /// What cannot be read, and why.
    struct Problem: Error, Sendable {
        let reason: String
    }

    private indirect enum Node {
        case empty
        case set(CharacterSet)
        case start
        case end
        case boundary(Bool)
        case sequence([Node])
        case choice([Node])
        case repeated(Node, minimum: Int, maximum: Int?)
    }

    struct CharacterSet: Sendable {
        var ranges: [ClosedRange<UInt32>] = []
        var isNegated = false

        func contains(_ scalar: UInt32) -> Bool { ranges.contains { $0.contains(scalar) } != isNegated }

        static let digit = CharacterSet(ranges: [0x30...0x39])
        static let word = CharacterSet(ranges: [0x30...0x39, 0x41...0x5A, 0x5F...0x5F, 0x61...0x7A, 0xAA...0x2FFFF])
        static let space = CharacterSet(ranges: [0x09...0x0D, 0x1C...0x20, 0x85...0x85, 0xA0...0xA0])
        static let anything = CharacterSet(ranges: [0x0A...0x0A], isNegated: true)
    }

    private enum Step: Sendable {
        case set(CharacterSet)
        case start
        case end
        case boundary(Bool)
        case jump(Int)
        case fork(Int, Int)
        case match
    }

    private static let longestPattern = 512
    private static let mostSteps = 4000
    private static let deepest = 50

    private var steps: [Step] = []

    /// Reads a pattern.
    init(_ pattern: String) throws(Problem) {
        guard pattern.utf8.count <= Self.longestPattern else { throw Problem(reason: "the pattern is too long") }
        var reader = Reader(rest: Array(pattern.unicodeScalars)[...])
        let node = try reader.choice(depth: 0)
        guard reader.rest.isEmpty else { throw Problem(reason: "unbalanced parenthesis") }
        try append(node)
        steps.append(.match)
    }

    // MARK: Matching

    /// Whether a beginning of the name matches.
    func matches(_ name: String) -> Bool {
        let scalars = name.unicodeScalars.map(\.value)
        var current: [Int] = []
        var isIn = [Bool](repeating: false, count: steps.count)
        follow(0, at: 0, in: scalars, &current, &isIn)
        for place in 0...scalars.count {
            var next: [Int] = []
            var isInNext = [Bool](repeating: false, count: steps.count)
            for step in current {
                switch steps[step] {
                case .match: return true
                case .set(let set):
                    guard place < scalars.count, set.contains(scalars[place]) else { continue }
                    follow(step + 1, at: place + 1, in: scalars, &next, &isInNext)
                default: continue
                }
            }
            if next.isEmpty { return false }
            current = next
        }
        return false
    }

    /// Adds a step with all that can be reached from it without a character.
    private func follow(_ first: Int, at place: Int, in scalars: [UInt32], _ list: inout [Int], _ isIn: inout [Bool]) {
        var open = [first]
        while let step = open.popLast() {
            guard !isIn[step] else { continue }
            isIn[step] = true
            switch steps[step] {
            case .jump(let target): open.append(target)
            case .fork(let one, let other): open += [one, other]
            case .start: if place == 0 { open.append(step + 1) }
            case .end:
                let isLast = place == scalars.count || place == scalars.count - 1 && scalars[place] == 0x0A
                if isLast { open.append(step + 1) }
            case .boundary(let wanted):
                let before = place > 0 && CharacterSet.word.contains(scalars[place - 1])
                let after = place < scalars.count && CharacterSet.word.contains(scalars[place])
                if (before != after) == wanted { open.append(step + 1) }
            case .set, .match: list.append(step)
            }
        }
    }

    // MARK: Making steps

    private mutating func append(_ node: Node) throws(Problem) {
        guard steps.count < Self.mostSteps else { throw Problem(reason: "the pattern is too large") }
        switch node {
        case .empty: break
        case .set(let set): steps.append(.set(set))
        case .start: steps.append(.start)
        case .end: steps.append(.end)
        case .boundary(let wanted): steps.append(.boundary(wanted))
        case .sequence(let nodes): for node in nodes { try append(node) }
        case .choice(let nodes): try append(choice: nodes)
        case .repeated(let node, let minimum, let maximum): try append(node, minimum, maximum)
        }
    }

    private mutating func append(choice nodes: [Node]) throws(Problem) {
        var ends: [Int] = []
        for (place, node) in nodes.enumerated() {
            guard place < nodes.count - 1 else {
                try append(node)
                break
            }
            let fork = steps.count
            steps.append(.match)
            try append(node)
            ends.append(steps.count)
            steps.append(.match)
            steps[fork] = .fork(fork + 1, steps.count)
        }
        for end in ends { steps[end] = .jump(steps.count) }
    }

    private mutating func append(_ node: Node, _ minimum: Int, _ maximum: Int?) throws(Problem) {
        for _ in 0..<minimum { try append(node) }
        guard let maximum else {
            let fork = steps.count
            steps.append(.match)
            try append(node)
            steps.append(.jump(fork))
            steps[fork] = .fork(fork + 1, steps.count)
            return
        }
        var forks: [Int] = []
        for _ in minimum..<max(minimum, maximum) {
            forks.append(steps.count)
            steps.append(.match)
            try append(node)
        }
        for fork in forks { steps[fork] = .fork(fork + 1, steps.count) }
    }

    // MARK: Reading

    private struct Reader {
        var rest: ArraySlice<Unicode.Scalar>

        mutating func choice(depth: Int) throws(Problem) -> Node {
            guard depth < NamePattern.deepest else { throw Problem(reason: "too many parentheses") }
            var branches = [try sequence(depth: depth)]
            while rest.first == "|" {
                rest.removeFirst()
                branches.append(try sequence(depth: depth))
            }
            return branches.count == 1 ? branches[0] : .choice(branches)
        }

        private mutating func sequence(depth: Int) throws(Problem) -> Node {
            var nodes: [Node] = []
            while let next = rest.first, next != "|", next != ")" {
                rest.removeFirst()
                let node = try atom(next, depth: depth)
                nodes.append(try repetition(of: node))
            }
            return .sequence(nodes)
        }

        private mutating func atom(_ first: Unicode.Scalar, depth: Int) throws(Problem) -> Node {
            switch first {
            case ".": return .set(.anything)
            case "^": return .start
            case "$": return .end
            case "[": return .set(try characterClass())
            case "(":
                try groupKind()
                let node = try choice(depth: depth + 1)
                guard rest.popFirst() == ")" else { throw Problem(reason: "missing ), unterminated subpattern") }
                return node
            case "\\": return try escape()
            case "*", "+", "?": throw Problem(reason: "nothing to repeat")
            default: return .set(CharacterSet(ranges: [first.value...first.value]))
            }
        }

        /// `(?:` and `(?P<name>` group like a bare parenthesis; every other kind looks around or refers back.
        private mutating func groupKind() throws(Problem) {
            guard rest.first == "?" else { return }
            rest.removeFirst()
            switch rest.popFirst() {
            case ":"?: return
            case "P"?:
                guard rest.popFirst() == "<", let end = rest.firstIndex(of: ">") else {
                    throw Problem(reason: "this kind of group is not supported")
                }
                rest = rest[rest.index(after: end)...]
            default: throw Problem(reason: "this kind of group is not supported")
            }
        }

        private mutating func repetition(of node: Node) throws(Problem) -> Node {
            var minimum = 0
            var maximum: Int?
            switch rest.first {
            case "*"?: rest.removeFirst()
            case "+"?:
                rest.removeFirst()
                minimum = 1
            case "?"?:
                rest.removeFirst()
                maximum = 1
            case "{"?:
                guard let bounds = try bounds() else { return node }
                (minimum, maximum) = bounds
            default: return node
            }
            // Lazy or greedy makes no difference to whether there is a match.
            if rest.first == "?" { rest.removeFirst() }
            if let next = rest.first, next == "*" || next == "+" || next == "?" {
                throw Problem(reason: "multiple repeat")
            }
            return .repeated(node, minimum: minimum, maximum: maximum)
        }

        /// `{m}`, `{m,}`, `{,n}` or `{m,n}`; anything else stands for itself, as in Python.
        private mutating func bounds() throws(Problem) -> (Int, Int?)? {
            guard let end = rest.firstIndex(of: "}") else { return nil }
            let inside = String(String.UnicodeScalarView(rest[rest.index(after: rest.startIndex)..<end]))
            let parts = inside.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
            guard (1...2).contains(parts.count), inside.contains(where: \.isNumber),
                parts.allSatisfy({ $0.isEmpty || Int($0) != nil })
            else { return nil }
            rest = rest[rest.index(after: end)...]
            let minimum = Int(parts[0]) ?? 0
            let maximum = parts.count == 1 ? minimum : Int(parts[1])
            guard minimum <= 1000, maximum ?? 0 <= 1000, maximum.map({ $0 >= minimum }) ?? true else {
                throw Problem(reason: "the repeat counts are too large, or the wrong way round")
            }
            return (minimum, maximum)
        }

        private mutating func escape() throws(Problem) -> Node {
            guard let next = rest.popFirst() else { throw Problem(reason: "bad escape (end of pattern)") }
            switch next {
            case "b": return .boundary(true)
            case "B": return .boundary(false)
            case "A": return .start
            case "Z": return .end
            default: return .set(try set(escaped: next))
            }
        }

        private func set(escaped next: Unicode.Scalar) throws(Problem) -> CharacterSet {
            var set: CharacterSet
            switch next {
            case "d", "D": set = .digit
            case "w", "W": set = .word
            case "s", "S": set = .space
            case "n": return CharacterSet(ranges: [0x0A...0x0A])
            case "t": return CharacterSet(ranges: [0x09...0x09])
            default:
                let isLetterOrDigit =
                    next.isASCII && (next.properties.isAlphabetic || next.properties.numericType != nil)
                guard !isLetterOrDigit else { throw Problem(reason: "bad escape \\\(next)") }
                return CharacterSet(ranges: [next.value...next.value])
            }
            if next.properties.isUppercase { set.isNegated = true }
            return set
        }

        private mutating func characterClass() throws(Problem) -> CharacterSet {
            var set = CharacterSet()
            if rest.first == "^" {
                rest.removeFirst()
                set.isNegated = true
            }
            var isFirst = true
            while let next = rest.popFirst() {
                if next == "]", !isFirst { return set }
                isFirst = false
                if next == "\\" {
                    guard let escaped = rest.popFirst() else { break }
                    let inner = try self.set(escaped: escaped)
                    guard !inner.isNegated else { throw Problem(reason: "\\\(escaped) in a class is not supported") }
                    set.ranges += inner.ranges
                } else if rest.first == "-", let high = rest.dropFirst().first, high != "]" {
                    guard high != "\\", next.value <= high.value else { throw Problem(reason: "bad character range") }
                    set.ranges.append(next.value...high.value)
                    rest.removeFirst(2)
                } else {
                    set.ranges.append(next.value...next.value)
                }
            }
            throw Problem(reason: "unterminated character set")
        }
    }
}
