import Glibc

/// What a service does to itself before it works: user, group, file mask, and leaving the terminal.
struct Daemon {
    var user: String?
    var group: String?
    var mask: String?

    /// Starts this command again without its terminal, in a session of its own, and answers the new process's id.
    ///
    /// Never by fork: a copy of a process with threads is not safe to run.
    static func detach(words: [String], log: String) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_APPEND, 0o644)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        let newSession: Int32 = 0x80  // POSIX_SPAWN_SETSID, which Glibc's module does not show
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | newSession))
        var arguments: [UnsafeMutablePointer<CChar>?] = ([CommandLine.arguments[0]] + words).map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var pid: pid_t = 0
        let result = posix_spawn(&pid, Environment.executable, &actions, &attributes, &arguments, environ)
        guard result == 0 else { throw Complaint("The worker does not detach: \(String(cString: strerror(result)))") }
        return pid
    }

    /// Takes on mask, group and user, in this order: the user may not be allowed the rest.
    func assume() throws {
        if let mask {
            guard let bits = UInt32(mask, radix: 8), bits <= 0o777 else {
                throw Complaint("--umask: expected an octal number such as 022, got \(mask)", code: .usage)
            }
            umask(mode_t(bits))
        }
        // Root's other groups would stay otherwise.
        if user != nil || group != nil, getuid() == 0, setgroups(0, nil) != 0 { throw refused("another user or group") }
        if let group {
            guard let id = UInt32(group) ?? getgrnam(group)?.pointee.gr_gid else {
                throw Complaint("--gid: there is no group \(group)", code: .usage)
            }
            guard setgid(id) == 0 else { throw refused("group \(group)") }
        }
        if let user {
            guard let id = UInt32(user) ?? getpwnam(user)?.pointee.pw_uid else {
                throw Complaint("--uid: there is no user \(user)", code: .usage)
            }
            guard setuid(id) == 0 else { throw refused("user \(user)") }
        }
    }

    private func refused(_ what: String) -> Complaint {
        Complaint("Cannot become \(what): \(String(cString: strerror(errno)))")
    }
}
