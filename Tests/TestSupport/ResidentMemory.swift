import Foundation

/// What this process holds in memory.
public enum ResidentMemory {
    /// The most bytes held at once so far; `nil` when the kernel does not tell.
    public static var peak: Int? { value("VmHWM:") }

    /// Forgets the peak, so that ``peak`` tells what came after.
    public static func resetPeak() {
        try? "5".write(toFile: "/proc/self/clear_refs", atomically: false, encoding: .ascii)
    }

    private static func value(_ key: String) -> Int? {
        guard let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8) else { return nil }
        let line = status.split(separator: "\n").first { $0.hasPrefix(key) }
        return line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) }.map { $0 * 1024 }
    }
}
