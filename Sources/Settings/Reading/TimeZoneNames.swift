import Glibc

/// The names of the machine's time zone database.
enum TimeZoneNames {
    private static let folder = "/usr/share/zoneinfo"

    /// Whether the machine has a zone of that name; where it has no database, any name in the right form will do.
    static func isKnown(_ name: String) -> Bool {
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        let letters = name.utf8.allSatisfy { byte in
            isDigit(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) || "/_-+".utf8.contains(byte)
        }
        guard letters, !name.isEmpty, !parts.contains("") else { return false }
        if name == "UTC" || access(folder, R_OK) != 0 { return true }
        return access("\(folder)/\(name)", R_OK) == 0
    }

    /// The names that can be suggested; read only when somebody mistyped one.
    static func all() -> [String] {
        guard let bytes = try? FileBytes.read("\(folder)/zone.tab", limit: 1 << 20) else { return ["UTC"] }
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n").filter { !$0.hasPrefix("#") }
        return lines.compactMap { $0.split(separator: "\t").dropFirst(2).first.map(String.init) } + ["UTC"]
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
}
