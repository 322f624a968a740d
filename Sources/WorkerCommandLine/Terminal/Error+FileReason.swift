import FoundationEssentials
import Glibc

extension Error {
    /// Why a file could not be made or written, in the system's words.
    package var fileReason: String {
        guard let posix = (self as? CocoaError)?.underlying as? POSIXError else { return "\(self)" }
        return String(cString: strerror(posix.code.rawValue))
    }
}
