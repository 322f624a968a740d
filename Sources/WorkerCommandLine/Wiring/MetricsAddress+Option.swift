import MetricsServer

extension MetricsAddress {
    /// What `--metrics` says.
    package init(option text: String) throws {
        guard let address = MetricsAddress(text) else {
            throw Complaint("--metrics: expected a port or host:port, got \(text)", code: .usage)
        }
        self = address
    }
}
