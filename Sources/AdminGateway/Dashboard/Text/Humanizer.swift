import CeleryMessage

/// Writes numbers, sizes and times as people of a language read them.
struct Humanizer: Sendable {
    let words: Words
    let now: Instant

    /// A whole number with its thousands apart.
    func count(_ number: Int) -> String {
        let digits = String(number.magnitude)
        var out = ""
        for (place, digit) in digits.enumerated() {
            if place > 0, (digits.count - place).isMultiple(of: 3) { out += words["number.group"] }
            out.append(digit)
        }
        return (number < 0 ? "−" : "") + out
    }

    /// A whole number that may not be known.
    func count(_ number: Int?) -> String { number.map { count($0) } ?? "–" }

    /// A number with at most so many digits behind its point.
    func number(_ value: Double, digits: Int = 1) -> String {
        guard value.isFinite, abs(value) < 1e15 else { return "–" }
        var scale = 1
        for _ in 0..<digits { scale *= 10 }
        let scaled = Int((abs(value) * Double(scale)).rounded())
        let sign = value < 0 && scaled > 0 ? "−" : ""
        guard !scaled.isMultiple(of: scale) else { return sign + count(scaled / scale) }
        var fraction = String(scaled % scale)
        fraction = String(repeating: "0", count: digits - fraction.count) + fraction
        while fraction.hasSuffix("0") { fraction.removeLast() }
        return sign + count(scaled / scale) + words["number.point"] + fraction
    }

    /// A share from 0 to 1 as a percentage.
    func share(_ value: Double) -> String {
        words["percent", ["n": number(value * 100, digits: value > 0 && value < 0.1 ? 1 : 0)]]
    }

    /// Bytes in binary units.
    func bytes(_ bytes: Int) -> String {
        var value = Double(bytes)
        for unit in ["B", "KiB", "MiB", "GiB"] {
            if value < 1024 { return "\(number(value)) \(unit)" }
            value /= 1024
        }
        return "\(number(value)) TiB"
    }

    /// How long something takes, in its two largest units at most.
    func duration(_ seconds: Double) -> String {
        guard seconds.isFinite, seconds >= 0 else { return "–" }
        if seconds < 0.001 { return "<1 \(words["unit.ms"])" }
        if seconds < 0.9995 { return "\(number((seconds * 1000).rounded(), digits: 0)) \(words["unit.ms"])" }
        if seconds < 59.95 { return "\(number(seconds)) \(words["unit.s"])" }
        let whole = Int(min(seconds, 1e12).rounded())
        if whole < 3600 { return pair(whole / 60, "unit.min", whole % 60, "unit.s") }
        if whole < 86_400 { return pair(whole / 3600, "unit.h", whole % 3600 / 60, "unit.min") }
        return pair(whole / 86_400, "unit.d", whole % 86_400 / 3600, "unit.h")
    }

    /// An age in one unit: what changes every second is only in the way of those who read.
    func age(_ seconds: Double) -> String {
        let whole = Int(min(max(0, seconds), 1e12))
        switch whole {
        case ..<60: return "\(whole) \(words["unit.s"])"
        case ..<3600: return "\(whole / 60) \(words["unit.min"])"
        case ..<86_400: return "\(whole / 3600) \(words["unit.h"])"
        default: return "\(count(whole / 86_400)) \(words["unit.d"])"
        }
    }

    /// How long ago a moment was, or how far it is.
    func distance(_ moment: Instant) -> String {
        let seconds = now.seconds - moment.seconds
        if abs(seconds) < 1 { return words["now"] }
        return words[seconds > 0 ? "ago" : "ahead", ["t": age(abs(seconds))]]
    }

    /// A moment exactly.
    func exact(_ moment: Instant) -> String {
        ISO8601.string(moment).prefix(19).replacing("T", with: " ") + " UTC"
    }

    /// A moment for a `time` element.
    func time(_ moment: Instant) -> [String: Any] {
        ["iso": ISO8601.string(moment), "exact": exact(moment), "ago": distance(moment)]
    }

    private func pair(_ large: Int, _ largeUnit: String, _ small: Int, _ smallUnit: String) -> String {
        let head = "\(count(large)) \(words[largeUnit])"
        return small == 0 ? head : "\(head) \(small) \(words[smallUnit])"
    }
}
