/// A row of numbers as the paths of a small picture.
struct Plot: Sendable {
    let values: [Double]
    /// What went wrong, in the same places.
    let bad: [Double]
    let width: Double
    let height: Double
    /// What reaches the upper edge.
    let peak: Double
    /// The line through the values.
    let line: String

    init(values: [Double], bad: [Double], width: Double = 116, height: Double = 26) {
        self.values = values
        self.bad = bad
        self.width = width
        self.height = height
        let peak = max(1, values.max() ?? 0, bad.max() ?? 0)
        self.peak = peak
        let step = values.count > 1 ? width / Double(values.count - 1) : 0
        var line = ""
        for (place, value) in values.enumerated() {
            line += place == 0 ? "M" : "L"
            line += Self.text(Double(place) * step)
            line += " "
            line += Self.text(height - 1 - value / peak * (height - 2))
        }
        self.line = line
    }

    /// The space below the line.
    var area: String {
        values.isEmpty ? "" : line + "L\(Self.text(width)) \(Self.text(height))L0 \(Self.text(height))Z"
    }

    /// A bar for each place where something went wrong.
    var bars: String {
        guard !bad.isEmpty else { return "" }
        let step = width / Double(bad.count)
        let thickness = max(0.8, step * 0.4)
        return bad.enumerated().filter { $0.element > 0 }.map { place, value in
            let tall = max(1.5, value / peak * (height - 2))
            let left = Double(place) * step + (step - thickness) / 2
            let (wide, up) = (Self.text(thickness), Self.text(tall))
            return "M\(Self.text(left)) \(Self.text(height))v-\(up)h\(wide)v\(up)z"
        }.joined()
    }

    /// A tenth is finer than any screen shows here.
    private static func text(_ value: Double) -> String {
        let tenths = Int((value * 10).rounded())
        guard !tenths.isMultiple(of: 10) else { return String(tenths / 10) }
        return (tenths < 0 ? "-" : "") + String(abs(tenths) / 10) + "." + String(abs(tenths) % 10)
    }
}
