import YAML

extension HistorySettings {
    /// The keys of the block `history`.
    static let settings: [Setting<HistorySettings>] = [
        .value("completed", "whole number or block", \.completed) { $0.retention($1) },
        .value("failed", "whole number or block", \.failed) { $0.retention($1) },
        .value("tenant", "list of names", \.tenant) { $0.strings($1) },
        .optional("mask", "list of names", \.mask) { $0.strings($1) },
    ]
}

extension DeadLetterSettings {
    /// The keys of the block `dead_letters`.
    static let settings: [Setting<DeadLetterSettings>] = [
        .int("count", \.count, in: 1...1_000_000),
        .int("bytes", \.bytes, in: 65_536...(16 << 30)),
        .value("age", "seconds", \.age) { $0.seconds($1, least: 1) },
    ]
}

extension SettingReader {
    /// `dead_letters`: a block, or `false` for those only that could not be run.
    mutating func deadLetters(_ node: YAMLNode, into letters: inout DeadLetterSettings) {
        if node.scalar != nil, !isNull(node) {
            if let isOn = bool(node) { letters.isOn = isOn }
            return
        }
        guard let entries = entries(node, expected: "false, or a block such as {count: 10000}") else { return }
        block(entries, DeadLetterSettings.settings, into: &letters)
    }

    /// `history`: a block, or `false` for none at all.
    mutating func history(_ node: YAMLNode, into history: inout HistorySettings) {
        if node.scalar != nil, !isNull(node) {
            if let isOn = bool(node) { history.isOn = isOn }
            return
        }
        guard let entries = entries(node, expected: "false, or a block such as {completed: 1000, failed: 5000}") else {
            return
        }
        block(entries, HistorySettings.settings, into: &history)
    }
}
