/// A shell pattern for a whole name, as Python's `fnmatchcase` reads it: `*`, `?`, `[abc]`, `[a-z]`, `[!a]`.
struct GlobPattern: Sendable {
    private enum Element: Sendable {
        case any
        case one
        case character(Unicode.Scalar)
        case set(ranges: [ClosedRange<UInt32>], isNegated: Bool)
    }

    private let elements: [Element]

    init(_ pattern: String) {
        var elements: [Element] = []
        var rest = Array(pattern.unicodeScalars)[...]
        while let next = rest.popFirst() {
            switch next {
            case "*":
                if case .any? = elements.last { continue }
                elements.append(.any)
            case "?": elements.append(.one)
            case "[": elements.append(Self.set(&rest) ?? .character("["))
            default: elements.append(.character(next))
            }
        }
        self.elements = elements
    }

    /// A set up to its bracket; `nil`, with nothing taken, when it is never closed.
    private static func set(_ rest: inout ArraySlice<Unicode.Scalar>) -> Element? {
        var inside = rest
        let isNegated = inside.first == "!"
        if isNegated { inside.removeFirst() }
        // A bracket in the first place stands for itself.
        let from = inside.first == "]" ? inside.index(after: inside.startIndex) : inside.startIndex
        guard let end = inside[from...].firstIndex(of: "]") else { return nil }
        let members = Array(inside[inside.startIndex..<end])
        rest = inside[inside.index(after: end)...]
        var ranges: [ClosedRange<UInt32>] = []
        var place = 0
        while place < members.count {
            let low = members[place].value
            if place + 2 < members.count, members[place + 1] == "-" {
                if low <= members[place + 2].value { ranges.append(low...members[place + 2].value) }
                place += 3
            } else {
                ranges.append(low...low)
                place += 1
            }
        }
        return .set(ranges: ranges, isNegated: isNegated)
    }

    /// Whether the pattern stands for the whole of a name; takes as long as both are long, multiplied, at most.
    func matches(_ name: String) -> Bool {
        let scalars = Array(name.unicodeScalars)
        var place = 0
        var element = 0
        var star: (element: Int, place: Int)?
        while place < scalars.count {
            if element < elements.count, case .any = elements[element] {
                star = (element, place)
                element += 1
            } else if element < elements.count, accepts(elements[element], scalars[place]) {
                place += 1
                element += 1
            } else if let last = star {
                // The last star takes one character more.
                star = (last.element, last.place + 1)
                place = last.place + 1
                element = last.element + 1
            } else {
                return false
            }
        }
        return elements[element...].allSatisfy { if case .any = $0 { true } else { false } }
    }

    private func accepts(_ element: Element, _ scalar: Unicode.Scalar) -> Bool {
        switch element {
        case .any, .one: true
        case .character(let wanted): wanted == scalar
        case .set(let ranges, let isNegated): ranges.contains { $0.contains(scalar.value) } != isNegated
        }
    }
}
