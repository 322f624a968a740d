import CeleryMessage

/// How many runs of a task may start in a time, in one worker.
public struct RateLimit: Sendable, Hashable {
    /// Starts per second; zero or less means no limit.
    public var perSecond: Double
    /// The limit as it was given, for `inspect registered`.
    public var text: String

    /// Makes a limit.
    public init(perSecond: Double, text: String) {
        self.perSecond = perSecond
        self.text = text
    }

    /// Whether it limits anything.
    public var isOn: Bool { perSecond > 0 && perSecond.isFinite }

    /// Reads what a client sends, as `celery.utils.time.rate` does: a number per second, or a text such as `10/m`.
    init(_ value: JSONValue) throws(ControlFailure) {
        switch value {
        case .null, .bool(false): self.init(perSecond: 0, text: "")
        case .bool(true): self.init(perSecond: 1, text: "True")
        case .int(let number): self.init(perSecond: Double(number), text: String(number))
        case .double(let number): self.init(perSecond: number, text: value.pythonRepr)
        case .string(""): self.init(perSecond: 0, text: "")
        case .string(let text): self.init(perSecond: try Self.perSecond(text), text: text)
        default:
            throw ControlFailure(.typeError("a rate limit is a number or a text, not \(value.pythonRepr)"))
        }
    }

    private static func perSecond(_ text: String) throws(ControlFailure) -> Double {
        let cut = text.firstIndex(of: "/")
        let number = cut.map { text[..<$0] } ?? text[...]
        let unit = cut.map { text[text.index(after: $0)...] } ?? ""
        // Divided one after the other, so that the last bit is Celery's too.
        let divisors: [Double]
        switch unit {
        case "", "s": divisors = []
        case "m": divisors = [60]
        case "h": divisors = [60, 60]
        default: throw ControlFailure(ExceptionInfo(type: "KeyError", arguments: [.string(String(unit))]))
        }
        let trimmed = number.trimming { $0.isWhitespace }
        guard let count = Double(trimmed), !trimmed.hasPrefix("0x"), !count.isNaN else {
            let shown = JSONValue.string(String(number)).pythonRepr
            throw ControlFailure(.valueError("could not convert string to float: \(shown)"))
        }
        return divisors.reduce(count, /)
    }
}

extension Substring {
    /// Without the characters at both ends for which this holds.
    fileprivate func trimming(_ isUnwanted: (Character) -> Bool) -> String {
        let front = drop(while: isUnwanted)
        guard let last = front.lastIndex(where: { !isUnwanted($0) }) else { return "" }
        return String(front[...last])
    }
}
