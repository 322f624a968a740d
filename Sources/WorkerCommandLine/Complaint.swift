package import ArgumentParser
import FoundationEssentials
import Glibc

/// An error for the person at the terminal: one message, one exit code.
package struct Complaint: Error, CustomStringConvertible {
    /// The exit codes Celery's users know, some from `sysexits.h`; Docs/Operations.md lists them.
    package enum Code: Int32 {
        case failure = 1
        case usage = 2
        case unavailable = 69
        case cannotCreate = 73
    }

    package let description: String
    package let code: Code

    package init(_ message: String, code: Code = .failure) {
        description = message
        self.code = code
    }

    /// Prints what went wrong while a program's command ran, and answers the exit code.
    package static func report(_ error: any Error, of command: any ParsableCommand.Type) -> Int32 {
        if let complaint = error as? Complaint {
            if !complaint.description.isEmpty { Terminal.error(complaint.description) }
            return complaint.code.rawValue
        }
        let code = command.exitCode(for: error)
        let message = command.fullMessage(for: error)
        guard code != .success else {
            print(message)
            return 0
        }
        // A bare exit code has nothing to say.
        if !message.isEmpty { Terminal.error(message) }
        // ArgumentParser says 64 to a wrong command line; Celery's users check for 2.
        return code == .validationFailure ? Code.usage.rawValue : code.rawValue
    }
}
