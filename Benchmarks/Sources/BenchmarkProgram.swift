import ArgumentParser

/// The measurements that are programs of their own; `Benchmarks/run` calls them.
@main
struct BenchmarkProgram: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "benchmarks",
        abstract: "Measure one thing and print figures.",
        subcommands: [NullWorker.self, SlotCost.self],
        defaultSubcommand: NullWorker.self
    )
}
