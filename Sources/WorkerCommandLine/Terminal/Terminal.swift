import Glibc

/// Writes to the terminal without buffering surprises.
package enum Terminal {
    /// Writes text to standard output as it is.
    package static func out(_ text: String) { write(text, to: 1) }

    /// Writes a line to standard error.
    package static func error(_ line: String) { write(line + "\n", to: 2) }

    /// Whether standard output is a terminal.
    package static var isInteractive: Bool { isatty(1) == 1 }

    private static func write(_ text: String, to descriptor: Int32) {
        var text = text
        text.withUTF8 { buffer in
            var rest = UnsafeRawBufferPointer(buffer)
            while !rest.isEmpty {
                let written = Glibc.write(descriptor, rest.baseAddress, rest.count)
                if written < 0, errno == EINTR { continue }
                guard written > 0 else { return }
                rest = UnsafeRawBufferPointer(rebasing: rest[written...])
            }
        }
    }
}
