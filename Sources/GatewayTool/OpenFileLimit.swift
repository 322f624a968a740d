import Glibc

/// How many files this process may have open: each client is one, and so is each who follows a task.
enum OpenFileLimit {
    /// Raises the limit as far as this process is allowed to.
    ///
    /// The soft limit is 1024 nearly everywhere, for programs that use `select`; the hard one is what administrators
    /// decide. Where it cannot be raised, the old one stays.
    static func raise() {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
}
