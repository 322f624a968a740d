import CeleryMessage
import WorkerCommandLine

/// Live progress bars on a terminal; one line at each end of a task elsewhere.
final class ProgressScreen {
    private static let widestBar = 30
    private static let narrowestBar = 5
    private var drawn = 0
    private var announced = Set<String>()

    /// Draws the rows over what was drawn before.
    func show(_ rows: [DemoRow]) {
        let size = Terminal.size
        // What has scrolled away cannot be drawn over.
        guard Terminal.isInteractive, size.rows > rows.count else { return announce(rows) }
        var text = drawn > 0 ? "\u{1B}[\(drawn)A" : ""
        let names = rows.map(\.shortName.count).max() ?? 0
        for row in rows { text += "\u{1B}[2K\(line(row, names: names, columns: size.columns))\n" }
        drawn = rows.count
        Terminal.out(text)
    }

    /// Draws the last state.
    func finish(_ rows: [DemoRow]) { show(rows) }

    private func line(_ row: DemoRow, names: Int, columns: Int) -> String {
        let part = row.total > 0 ? min(1, Double(row.current) / Double(row.total)) : 0
        // Beside the bar stand the name, the percents, the mark, and some of the status.
        let width = min(Self.widestBar, max(Self.narrowestBar, columns - names - 12 - 20))
        let full = Int((part * Double(width)).rounded())
        let bar = String(repeating: "█", count: full) + String(repeating: "░", count: width - full)
        let name = row.shortName + String(repeating: " ", count: names - row.shortName.count)
        let percent = "\(Int(part * 100))%"
        let padded = String(repeating: " ", count: max(0, 4 - percent.count)) + percent
        let status = row.status.map { $0.isNewline || $0 == "\t" ? " " : $0 }
        // A line that wraps would be two to draw over.
        return String("  \(name)  \(bar) \(padded)  \(mark(row)) \(String(status))".prefix(max(1, columns - 1)))
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
