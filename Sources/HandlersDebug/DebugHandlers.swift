public import CeleriacTasks

/// Handlers for trying things out, for binding to any task name; none takes options.
public enum DebugHandlers {
    /// All of them, for a program's registry.
    public static let factories: [HandlerFactory] = [
        factory("debug.noop", "returns null, whatever it is given", Noop()),
        factory("debug.echo", "returns its arguments", Echo()),
        factory("debug.add", "returns the sum of its arguments", Add()),
        factory("debug.sleep", "sleeps and gives way when cancelled: sleep(seconds=1)", Sleep()),
        factory("debug.spin", "burns CPU time and ignores cancellation: spin(seconds=1)", Spin()),
        factory("debug.progress", "reports its steps: progress(steps=10, delay=0.1)", Progress()),
        factory("debug.fail", "raises ValueError: fail(message='failed on purpose')", Fail()),
        factory("debug.retry", "fails a number of times, then succeeds: retry(times=1, countdown=0)", Retry()),
        errback,
        factory("debug.replace", "gives its place to a signature: replace(signature)", Replace()),
        factory("debug.add_to_chord", "adds a signature to its chord: add_to_chord(signature)", AddToChord()),
        factory("debug.spawn", "sends a signature with its end: spawn(signature)", Spawn()),
        factory("debug.crash", "ends its process by a signal: crash(signal='KILL')", Crash()),
    ]

    private static var errback: HandlerFactory {
        var errback = factory(
            "debug.errback",
            "as an errback, returns what failed: request, exception, traceback",
            Echo()
        )
        errback.takesFailureDetails = true
        return errback
    }

    private static func factory(_ name: String, _ summary: String, _ handler: any TaskHandler) -> HandlerFactory {
        HandlerFactory(name: name, summary: summary) { setup in
            try setup.options.refuseUnknown(except: [])
            return handler
        }
    }
}
