import FoundationEssentials
import WorkerCommandLine

/// The file that holds what links are signed with: one key a line, the first one signs.
enum SigningKeyFile {
    private static let shortest = 16

    /// The keys; empty lines do not count.
    ///
    /// - Throws: what is wrong with the file, without a word of its content.
    static func keys(_ path: String) throws -> [String] {
        guard let data = FileManager.default.contents(atPath: path), data.count <= 1 << 16,
            let text = String(validating: data, as: UTF8.self)
        else {
            throw Complaint("gateway.downloads.signing_key_file: \(path) cannot be read", code: .usage)
        }
        let keys = text.split(whereSeparator: \.isNewline).map { line in
            String(line.drop { $0 == " " || $0 == "\t" }.reversed().drop { $0 == " " || $0 == "\t" }.reversed())
        }.filter { !$0.isEmpty }
        guard !keys.isEmpty, keys.allSatisfy({ $0.utf8.count >= shortest }) else {
            throw Complaint(
                "gateway.downloads.signing_key_file: \(path) needs keys of \(shortest) bytes or more, one a line",
                code: .usage
            )
        }
        return keys
    }
}
