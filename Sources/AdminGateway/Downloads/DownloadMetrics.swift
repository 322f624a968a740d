import Exposition
import Synchronization

/// Counts the files that were sent, and those that were not.
final class DownloadMetrics: Sendable {
    /// How sending a file ended.
    enum End: String, CaseIterable {
        /// All that was asked for was sent.
        case complete
        /// The client went away, took nothing for too long, or the file became shorter.
        case broken
    }

    /// Why no file was sent.
    enum Refusal: String, CaseIterable {
        /// The address has no signature, or not one of this gateway's.
        case signature
        /// The link's time was over.
        case expired
        /// The file is gone.
        case missing
        /// The file has no such bytes.
        case range
        /// As many as may be were being sent.
        case full
    }

    private struct State {
        var ends: [End: Int] = [:]
        var refusals: [Refusal: Int] = [:]
        var bytes: Int64 = 0
        var links = 0
    }

    /// Those that are being sent.
    let places = Places(code: "too_many_downloads", refusal: "Too many files are being downloaded.")
    private let state = Mutex(State())

    /// Counts a file that was sent, or begun.
    func count(_ end: End) { state.withLock { $0.ends[end, default: 0] += 1 } }

    /// Counts a request that got no file.
    func count(_ refusal: Refusal) { state.withLock { $0.refusals[refusal, default: 0] += 1 } }

    /// Counts bytes that a client has taken.
    func count(bytes: Int) { state.withLock { $0.bytes += Int64(bytes) } }

    /// Counts a link that an operator had made.
    func countLink() { state.withLock { $0.links += 1 } }

    func write(to out: inout MetricsText) {
        let state = state.withLock { $0 }
        let files = "celeriac_gateway_downloads_total"
        out.family(files, .counter, "Files of results that were sent, by how it ended.")
        for end in End.allCases { out.sample(files, [("outcome", end.rawValue)], Double(state.ends[end] ?? 0)) }
        let refusals = "celeriac_gateway_download_refusals_total"
        out.family(refusals, .counter, "Requests for files of results that got none, by why.")
        for refusal in Refusal.allCases {
            out.sample(refusals, [("reason", refusal.rawValue)], Double(state.refusals[refusal] ?? 0))
        }
        let bytes = "celeriac_gateway_download_bytes_total"
        out.family(bytes, .counter, "Bytes of files of results that were sent.")
        out.sample(bytes, [], Double(state.bytes))
        let links = "celeriac_gateway_download_links_total"
        out.family(links, .counter, "Links to files of results that operators had made.")
        out.sample(links, [], Double(state.links))
        out.gauge("celeriac_gateway_downloads_active", "Files of results that are being sent.", places.count)
    }
}
