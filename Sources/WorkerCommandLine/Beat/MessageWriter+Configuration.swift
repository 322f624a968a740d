package import BeatRuntime
import CeleryMessage
import Glibc
package import Settings

extension MessageWriter {
    /// Writes messages as the configuration says, from this process.
    package init(_ configuration: CeleriacConfiguration, replyTo: String) {
        self.init(
            codecs: .celeryDefaults,
            serializer: configuration.taskSerializer.rawValue,
            origin: "gen\(getpid())@\(Environment.hostname)",
            replyTo: replyTo,
            route: { task in
                let queue = configuration.queueName(forTask: task)
                guard configuration.task(named: task) != nil else { return TaskRoute(queue: queue) }
                let policy = configuration.policy(forTask: task, from: queue)
                return TaskRoute(queue: queue, ignoresResult: policy.ignoreResult ?? false)
            }
        )
    }
}
