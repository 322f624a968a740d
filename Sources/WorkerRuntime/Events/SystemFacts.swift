import CeleryMessage
import Glibc

/// What the system says about this process and its machine.
enum SystemFacts {
    /// The machine's load over one, five and fifteen minutes.
    static var loadAverages: [Double] {
        var loads = [0.0, 0.0, 0.0]
        guard getloadavg(&loads, 3) == 3 else { return [0, 0, 0] }
        return loads
    }

    /// Hours west of UTC now, as Python's `time.timezone` counts.
    static var hoursWest: Double {
        var now = time(nil)
        var fields = tm()
        guard localtime_r(&now, &fields) != nil else { return 0 }
        let west = -Double(fields.tm_gmtoff) / 3600
        return west == 0 ? 0 : west
    }

    static var processID: Int32 { getpid() }

    /// `getrusage` of this process, by Python's names.
    static var resourceUsage: JSONObject {
        var usage = rusage()
        guard getrusage(Int32(RUSAGE_SELF.rawValue), &usage) == 0 else { return JSONObject() }
        func seconds(_ time: timeval) -> JSONValue { .double(Double(time.tv_sec) + Double(time.tv_usec) / 1e6) }
        return [
            "utime": seconds(usage.ru_utime), "stime": seconds(usage.ru_stime), "maxrss": .int(Int64(usage.ru_maxrss)),
            "ixrss": .int(Int64(usage.ru_ixrss)), "idrss": .int(Int64(usage.ru_idrss)),
            "isrss": .int(Int64(usage.ru_isrss)), "minflt": .int(Int64(usage.ru_minflt)),
            "majflt": .int(Int64(usage.ru_majflt)), "nswap": .int(Int64(usage.ru_nswap)),
            "inblock": .int(Int64(usage.ru_inblock)), "oublock": .int(Int64(usage.ru_oublock)),
            "msgsnd": .int(Int64(usage.ru_msgsnd)), "msgrcv": .int(Int64(usage.ru_msgrcv)),
            "nsignals": .int(Int64(usage.ru_nsignals)), "nvcsw": .int(Int64(usage.ru_nvcsw)),
            "nivcsw": .int(Int64(usage.ru_nivcsw)),
        ]
    }

    /// Resident memory in MiB as people read it, for example `23.4MB`.
    static var residentMemory: String {
        guard let file = fopen("/proc/self/statm", "r") else { return "?" }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 128)
        guard fgets(&line, 128, file) != nil else { return "?" }
        let text = String(decoding: line.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        let fields = text.split(separator: " ")
        guard fields.count > 1, let pages = Int(fields[1]) else { return "?" }
        let tenths = pages * 4096 * 10 / (1 << 20)
        return "\(tenths / 10).\(tenths % 10)MB"
    }

    /// The number of a signal by the name or number that a client sends.
    static func signal(_ value: JSONValue?) throws(ControlFailure) -> Int32 {
        switch value {
        case nil, .null?: return SIGTERM
        case .int(let number)?:
            guard (1...64).contains(number) else { throw ControlFailure(.valueError("signal number out of range")) }
            return Int32(number)
        case .string(let name)?:
            guard name == name.uppercased(), !name.isEmpty else {
                throw ControlFailure(.typeError("signal name must be uppercase string."))
            }
            let bare = name.hasPrefix("SIG") ? String(name.dropFirst(3)) : name
            guard let number = signals[bare] else {
                let text = "module 'signal' has no attribute 'SIG\(bare)'"
                throw ControlFailure(ExceptionInfo(type: "AttributeError", arguments: [.string(text)]))
            }
            return number
        default: throw ControlFailure(.typeError("signal name must be uppercase string."))
        }
    }

    private static let signals: [String: Int32] = [
        "HUP": SIGHUP, "INT": SIGINT, "QUIT": SIGQUIT, "ABRT": SIGABRT, "KILL": SIGKILL, "USR1": SIGUSR1,
        "USR2": SIGUSR2, "ALRM": SIGALRM, "TERM": SIGTERM, "STOP": SIGSTOP, "CONT": SIGCONT, "TSTP": SIGTSTP,
        "PIPE": SIGPIPE, "SEGV": SIGSEGV, "BUS": SIGBUS, "FPE": SIGFPE, "ILL": SIGILL, "TRAP": SIGTRAP,
        "TTIN": SIGTTIN, "TTOU": SIGTTOU,
    ]
}
