import Foundation

/// A command of the system that a test asks for a second opinion, such as `pdftotext`.
public struct ShellCommand: Error, CustomStringConvertible {
    /// What was run and what came of it, for a failed test.
    public let description: String

    /// Runs a command to its end and returns what it printed.
    ///
    /// - Throws: This type when the command ends with another status than 0.
    public static func output(_ arguments: String...) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = arguments
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        let text = String(decoding: data, as: UTF8.self)
        guard process.terminationStatus == 0 else {
            let command = arguments.joined(separator: " ")
            throw ShellCommand(description: "\(command) ended with \(process.terminationStatus): \(text)")
        }
        return text
    }
}
