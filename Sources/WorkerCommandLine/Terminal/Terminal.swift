import Glibc

/// Writes to the terminal without buffering surprises.
package enum Terminal {
    /// Writes text to standard output as it is.
    package static func out(_ text: String) { write(text, to: 1) }

    /// Writes a line to standard error.
    package static func error(_ line: String) { write(line + "\n", to: 2) }

    /// Whether standard output is a terminal.
    package static var isInteractive: Bool { isatty(1) == 1 }

    /// The rows and columns of the terminal behind standard output; 24 and 80 where it does not tell.
    package static var size: (rows: Int, columns: Int) {
        var size = winsize()
        guard ioctl(1, UInt(TIOCGWINSZ), &size) == 0, size.ws_row > 0, size.ws_col > 0 else { return (24, 80) }
        return (Int(size.ws_row), Int(size.ws_col))
    }

    /// Writes text to a descriptor, in one call where it takes all at once; what it refuses is dropped.
    static func write(_ text: String, to descriptor: Int32) {
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
