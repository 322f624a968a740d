import NIOCore

/// Keeps the tasks of a worker on its event loop, also where a continuation resumes them.
///
/// Swift resumes a task from a continuation on the global executor, which then hands it to its actor: two wake-ups of
/// threads for each reply of Redis, when the loop that read the reply is the very place to go on. With this preference
/// the task is put behind what the loop does already.
final class LoopTaskExecutor: TaskExecutor {
    private let loop: any EventLoop
    private let serial: any SerialExecutor

    init(_ loop: any EventLoop) {
        self.loop = loop
        serial = loop.executor
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        // Isolated to the loop, so that entering an actor of this loop is no further step.
        loop.execute {
            job.runSynchronously(
                isolatedTo: self.serial.asUnownedSerialExecutor(),
                taskExecutor: self.asUnownedTaskExecutor()
            )
        }
    }
}
