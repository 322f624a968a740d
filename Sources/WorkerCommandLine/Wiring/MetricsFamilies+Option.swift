package import Exposition

extension MetricsFamilies {
    /// What `--metrics-families` says: names with commas between them.
    package init(option text: String) throws {
        guard let families = MetricsFamilies(names: text.split(separator: ",").map(String.init)) else {
            let names = Self.named.map(\.name).joined(separator: ", ")
            throw Complaint("--metrics-families: expected some of \(names), got \(text)", code: .usage)
        }
        self = families
    }
}
