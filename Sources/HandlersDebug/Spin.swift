import CeleriacTasks
import CeleryMessage
import Glibc

/// Uses up CPU time and returns the seconds, deaf to cancellation as a runaway loop is: `spin(seconds=1)`.
///
/// Only a hard time limit ends it early, and only in a pool process.
struct Spin: TaskHandler {
    private static let parameters = Parameters("spin", [.optional("seconds", 1)])

    func run(_ arguments: TaskArguments, context: TaskContext) async throws -> JSONValue {
        let bound = try Self.parameters.bind(arguments)
        await burn(try bound.seconds("seconds"))
        return bound.value("seconds")
    }

    /// Leaves the caller's executor, which might be one that everything else depends on.
    ///
    /// Does not suspend, so all of
    /// it counts on one thread's clock.
    @concurrent
    private func burn(_ seconds: Double) async {
        let end = Self.threadSeconds() + seconds
        var noise: UInt64 = 1
        while Self.threadSeconds() < end {
            for _ in 0..<10_000 { noise = noise &* 6_364_136_223_846_793_005 &+ 1 }
        }
        // Keeps the loop from being optimised away.
        withExtendedLifetime(noise) {}
    }

    private static func threadSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}
