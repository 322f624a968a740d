/// What a server sends to a subscriber without being asked.
public enum RedisPush: Sendable, Equatable {
    /// A message on a channel subscribed to by name.
    case message(channel: String, payload: [UInt8])
    /// A message on a channel that matches a pattern subscribed to.
    case patternMessage(pattern: String, channel: String, payload: [UInt8])
    /// Keys that changed after a tracked connection read them; nil means that any key may have changed (`FLUSHDB`,
    /// `FLUSHALL`, or the server's table of tracked keys was full).
    case invalidated(keys: [String]?)
}

extension RedisPush {
    /// The channel on which RESP2 delivers invalidations to the connection that `CLIENT TRACKING … REDIRECT` names.
    public static let invalidationChannel = "__redis__:invalidate"

    /// The push that an array on a subscribed connection stands for; nil when it answers one of our own commands.
    init?(_ reply: RedisReply) {
        guard case .array(let parts) = reply, parts.count >= 3, case .string(let kind) = parts[0] else { return nil }
        switch parts.count {
        case 3 where kind.elementsEqual("message".utf8):
            guard let channel = parts[1].text else { return nil }
            if channel == Self.invalidationChannel {
                self = .invalidated(keys: parts[2].array?.compactMap(\.text))
            } else if let payload = parts[2].bytes {
                self = .message(channel: channel, payload: payload)
            } else {
                return nil
            }
        case 4 where kind.elementsEqual("pmessage".utf8):
            guard let pattern = parts[1].text, let channel = parts[2].text, let payload = parts[3].bytes else {
                return nil
            }
            self = .patternMessage(pattern: pattern, channel: channel, payload: payload)
        default:
            return nil
        }
    }
}
