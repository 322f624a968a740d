import Celeriac
import Glibc

/// Tasks that end the process they run in.
enum Terminations {
    static let tasks: [any TaskDeclaration] = [
        TaskDefinition(smoke("self_termination_sigkill")) { die() },
        TaskDefinition(
            smoke("self_termination_sigkill_with_retries"),
            options: TaskOptions(maxRetries: 2, defaultRetryDelay: .zero)
        ) { die() },
        TaskDefinition(smoke("self_termination_system_exit")) { exit(1) },
        TaskDefinition(smoke("self_termination_exhaust_memory")) {
            var memory: [[UInt8]] = []
            while !Task.isCancelled { memory.append([UInt8](repeating: 32, count: 1_000_000)) }
        },
        TaskDefinition(
            smoke("kill_child_process_once"),
            TaskParameter("marker", default: "/tmp/kill_child_process_once")
        ) { (marker: String) in
            guard access(marker, F_OK) != 0 else { return "survived" }
            close(open(marker, O_CREAT | O_WRONLY, 0o644))
            _exit(1)
        },
    ]

    private static func die() { kill(getpid(), SIGKILL) }
}
