import CeleryMessage
import WorkerCommandLine

/// Live progress bars on a terminal; one line at each end of a task elsewhere.
final class ProgressScreen {
    private static let width = 30
    private var drawn = 0
    private var announced = Set<String>()

    /// Draws the rows over what was drawn before.
    func show(_ rows: [DemoRow]) {
        guard Terminal.isInteractive else { return announce(rows) }
        var text = drawn > 0 ? "\u{1B}[\(drawn)A" : ""
        let names = rows.map(\.shortName.count).max() ?? 0
        for row in rows { text += "\u{1B}[2K\(line(row, names: names))\n" }
        drawn = rows.count
        Terminal.out(text)
    }

    /// Draws the last state.
    func finish(_ rows: [DemoRow]) { show(rows) }

    private func line(_ row: DemoRow, names: Int) -> String {
        let part = row.total > 0 ? min(1, Double(row.current) / Double(row.total)) : 0
        let full = Int((part * Double(Self.width)).rounded())
        let bar = String(repeating: "█", count: full) + String(repeating: "░", count: Self.width - full)
        let name = row.shortName + String(repeating: " ", count: names - row.shortName.count)
        let percent = "\(Int(part * 100))%"
        let padded = String(repeating: " ", count: max(0, 4 - percent.count)) + percent
        return "  \(name)  \(bar) \(padded)  \(mark(row)) \(row.status.prefix(60))"
    }

    private func mark(_ row: DemoRow) -> String {
        switch row.state {
        case .success: "✓"
        case .failure, .revoked: "✗"
        default: "·"
        }
    }

    private func announce(_ rows: [DemoRow]) {
        for row in rows where row.hasEnded && announced.insert(row.id).inserted {
            Terminal.out("  \(mark(row)) \(row.shortName): \(row.state) \(row.status)\n")
        }
    }
}
