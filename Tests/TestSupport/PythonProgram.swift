import Foundation

/// A short Python program of a test: the other side of a format, without anything of ours in it.
public enum PythonProgram {
    /// What went wrong in the program.
    public struct Failure: Error, CustomStringConvertible {
        /// What it wrote to standard error.
        public let description: String
    }

    /// Runs a program with the system's `python3` and its standard library; returns what it writes to standard output.
    ///
    /// - Parameters:
    ///   - text: the program.
    ///   - arguments: its `sys.argv[1:]`.
    ///   - input: what it reads from standard input.
    @discardableResult
    public static func run(_ text: String, _ arguments: [String] = [], input: [UInt8] = []) throws -> [UInt8] {
        let folder = try ScratchFolder()
        let inputPath = try folder.write("input", input)
        let outputPath = try folder.write("output", [])
        let errorPath = try folder.write("error", [])
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/python3")
        process.arguments = ["-I", "-c", text] + arguments
        // Files, not pipes: neither side waits for the other, however much there is.
        process.standardInput = try FileHandle(forReadingFrom: URL(fileURLWithPath: inputPath))
        process.standardOutput = try FileHandle(forWritingTo: URL(fileURLWithPath: outputPath))
        process.standardError = try FileHandle(forWritingTo: URL(fileURLWithPath: errorPath))
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw Failure(description: try String(contentsOfFile: errorPath, encoding: .utf8))
        }
        return [UInt8](try Data(contentsOf: URL(fileURLWithPath: outputPath)))
    }
}
