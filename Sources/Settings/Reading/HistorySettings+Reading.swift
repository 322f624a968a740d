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

extension SettingReader {
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
