package import CeleryMessage
import MessageCodecs

extension MessageCodecs {
    /// For the tools, which read whatever is there.
    package static let celeryDefaults: MessageCodecs = .celery(accept: ["json", "yaml", "msgpack"])
}
