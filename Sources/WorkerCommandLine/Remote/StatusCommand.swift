import ArgumentParser
import CeleryMessage
import WorkerRuntime

/// `celeriac status`: names the workers that answer.
struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Name the workers that are online."
    )

    @ParentCommand var global: CeleriacCommand
    @OptionGroup var options: RemoteOptions

    mutating func run() async throws {
        let call = RemoteCall(global: global, options: options)
        call.sayCount(try await call.run(.ping, JSONObject(), showsData: false))
    }
}
