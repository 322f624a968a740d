import ArgumentParser
import Glibc
import WorkerCommandLine

/// The program `celeriac-gateway`.
@main
enum CeleriacGateway {
    static func main() async {
        signal(SIGPIPE, SIG_IGN)
        do {
            var command = try GatewayCommand.parse()
            try await command.run()
        } catch {
            exit(Complaint.report(error, of: GatewayCommand.self))
        }
    }
}
