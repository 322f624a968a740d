import Inspection

/// What can be done to a job.
enum JobChange: String {
    case retry
    case remove
    case promote

    /// What came of it, in the words of the API and of the audit list.
    enum Outcome: String {
        case retried
        case removed
        case cancelled
        case forgotten
        case promoted
        case notFound = "not_found"
        case notFailed = "not_failed"
        case notDelayed = "not_delayed"
        case gone

        /// Whether the job was changed.
        var isChange: Bool {
            switch self {
            case .retried, .removed, .cancelled, .forgotten, .promoted: true
            case .notFound, .notFailed, .notDelayed, .gone: false
            }
        }
    }
}

extension JobChange.Outcome {
    /// What became of a job that was to be removed.
    init(_ removal: JobRemoval) {
        self =
            switch removal {
            case .removed: .removed
            case .cancelled: .cancelled
            case .forgotten: .forgotten
            case .notFound: .notFound
            }
    }

    /// What became of a job that was to be run again.
    init(_ retry: JobRetry) {
        self =
            switch retry {
            case .retried: .retried
            case .notFailed: .notFailed
            case .gone: .gone
            case .notFound: .notFound
            }
    }
}
