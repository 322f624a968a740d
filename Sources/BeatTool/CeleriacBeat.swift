import BeatCommandLine
import ShippedHandlers

/// The program `celeriac-beat`; the handlers are for schedules that run without workers.
@main
enum CeleriacBeat {
    static func main() async { await BeatProgram(registry: ShippedHandlers.registry).main() }
}
