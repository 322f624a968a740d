import CeleriacTasks
import CeleryMessage
import Glibc

/// Ends the process it runs in by a signal, as a fault in a C library would: `crash(signal="KILL")`.
///
/// In an inline pool that process is the worker itself.
struct Crash: TaskHandler {
    private static let parameters = Parameters("crash", [.optional("signal", "KILL")])
    private static let signals: [String: Int32] = [
        "KILL": SIGKILL, "SEGV": SIGSEGV, "ABRT": SIGABRT, "BUS": SIGBUS, "FPE": SIGFPE, "ILL": SIGILL,
        "TERM": SIGTERM,
    ]

    func run(_ arguments: TaskArguments, context: TaskContext) async throws -> JSONValue {
        let bound = try Self.parameters.bind(arguments)
        let name = try bound.string("signal")
        guard let number = Self.signals[name.hasPrefix("SIG") ? String(name.dropFirst(3)) : name] else {
            throw bound.wrongValue("signal", "must be one of \(Self.signals.keys.sorted().joined(separator: ", "))")
        }
        Self.end(by: number)
    }

    private static func end(by number: Int32) -> Never {
        // A handler or a blocked mask in this process must not turn the crash into something milder.
        signal(number, SIG_DFL)
        var mask = sigset_t()
        sigemptyset(&mask)
        sigaddset(&mask, number)
        pthread_sigmask(SIG_UNBLOCK, &mask, nil)
        kill(getpid(), number)
        while true { Glibc.pause() }
    }
}
