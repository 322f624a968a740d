import RedisClient
import Transport

extension TransportError {
    /// The transport's view of a client's failure.
    init(_ error: RedisError) {
        switch error.code {
        case .authenticationFailed, .noAuthentication:
            self.init(.authentication, error.message, underlying: error)
        case .unknownMaster: self.init(.refused, error.message, underlying: error)
        case .protocolError: self.init(.protocolViolation, error.message, underlying: error)
        default:
            let code: Code = error.code.serverPrefix == nil || error.isTransient ? .connection : .refused
            self.init(code, error.message, underlying: error)
        }
    }
}
