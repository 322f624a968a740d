package import Glibc
import WorkerPool

/// What a service does to itself before it works: user, group, file mask, and leaving the terminal.
package struct Daemon {
    var user: String?
    var group: String?
    var mask: String?

    package init(user: String?, group: String?, mask: String?) {
        self.user = user
        self.group = group
        self.mask = mask
    }

    /// Starts this command again without its terminal, in a session of its own, and answers the new process's id.
    package static func detach(words: [String], log: String) throws -> pid_t {
        var start = ProcessStart(executable: Environment.executable, words: [CommandLine.arguments[0]] + words)
        start.outputFile = log
        start.leadsSession = true
        do {
            return try start.run()
        } catch {
            throw Complaint("The program does not detach: \(error.message)")
        }
    }

    /// Takes on mask, group and user, in this order: the user may not be allowed the rest.
    ///
    /// A program that became somebody else begins anew, so call it before anything is opened.
    package func assume() throws {
        let before = (user: getuid(), group: getgid())
        let executable = Environment.executable
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
        if getuid() != before.user || getgid() != before.group { try beginAnew(executable) }
    }

    /// Executes the program once more, which leaves no thread that is still somebody else.
    ///
    /// The C library changes all threads but the first one, which Dispatch has ended and left asleep: the process would be
    /// known, and could be used, as who it was.
    private func beginAnew(_ executable: String) throws {
        var words: [UnsafeMutablePointer<CChar>?] = CommandLine.arguments.map { strdup($0) }
        words.append(nil)
        execv(executable, &words)
        throw refused("another user, who may not execute \(executable)")
    }

    private func refused(_ what: String) -> Complaint {
        Complaint("Cannot become \(what): \(String(cString: strerror(errno)))")
    }
}
