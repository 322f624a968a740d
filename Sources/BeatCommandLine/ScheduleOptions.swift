import ArgumentParser
import Settings
import WorkerCommandLine

/// What every command of the beat takes: which schedule, which configuration, which server.
struct ScheduleOptions: ParsableArguments {
    @Option(
        name: [.customShort("s"), .long, .customLong("schedule-filename")],
        help: "The schedule's file (default: beat.yaml)."
    )
    var schedule: String?
    @Option(name: .long, help: "The configuration file (default: tasks.yaml, if there is one).")
    var config: String?
    @Option(name: [.customShort("b"), .long], help: "The broker's URL.")
    var broker: String?
    @Option(name: .long, help: "The result backend's URL.")
    var resultBackend: String?
    @Option(name: [.customShort("A"), .long], help: "Accepted for Celery's sake; there is no Python application.")
    var app: String?
    @Option(name: .long, help: "The folder to work in.")
    var workdir: String?
    @Flag(name: [.short, .long], help: "No banner and no notes.")
    var quiet = false

    /// Where the configuration is read from; handlers are somebody else's.
    var configurationSource: ConfigurationSource {
        var source = ConfigurationSource(config: config, broker: broker, resultBackend: resultBackend)
        source.checksHandlers = false
        return source
    }

    /// Where the schedule is read from.
    var scheduleSource: ScheduleSource {
        var source = ScheduleSource(path: schedule)
        source.isQuiet = quiet
        return source
    }

    /// Goes where `--workdir` says, before anything is read.
    func enterFolder() throws {
        guard let workdir, !BeatProgram.current.isDetached else { return }
        try WorkingFolder.enter(workdir)
    }
}
