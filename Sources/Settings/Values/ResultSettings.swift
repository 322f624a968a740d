/// Where results go, and for how long.
public struct ResultSettings: Sendable {
    /// Which server keeps the results.
    public enum Backend: Sendable, Hashable, CustomStringConvertible {
        /// The broker's own server: what happens when `result_backend` is not set.
        case sameAsBroker
        /// Another server, or the same by its own URL.
        case server(ServerURL)
        /// `result_backend: disabled`: no results, no chords.
        case disabled

        /// In words, the password masked.
        public var description: String {
            switch self {
            case .sameAsBroker: "where the broker is"
            case .server(let url): url.redacted
            case .disabled: "disabled"
            }
        }
    }

    /// `result_backend`.
    public var backend = Backend.sameAsBroker
    /// `result_expires`: default one day; `nil` means never.
    public var expires: Duration? = .seconds(86_400)
    /// `result_failure_expires`: default as `expires`.
    public var failureExpires: Lifetime = .asResults
    /// `result_chord_expires`: default as `expires`.
    public var chordExpires: Lifetime = .asResults
    /// `result_extended`: whether results carry name, arguments and worker; default false.
    public var extended = false
    /// `result_serializer`; default JSON.
    public var serializer = Serializer.json
    /// `result_compression`; default none.
    public var compression: Compression?
    /// `result_chord_join_timeout`; default 3 s.
    public var chordJoinTimeout: Duration = .seconds(3)
    /// `result_backend_transport_options.global_keyprefix`: what stands before every key of the backend.
    public var globalKeyPrefix = ""
    /// `result_backend_transport_options.result_chord_ordered`; default true.
    public var chordOrdered = true
    /// `result_backend_transport_options.master_name`, `.min_other_sentinels` and `.sentinel_kwargs`.
    public var sentinel = SentinelSettings()
    /// `redis_socket_timeout`; default 120 s.
    public var socketTimeout: Duration? = .seconds(120)
    /// `redis_socket_connect_timeout`; `nil` means `broker_connection_timeout`.
    public var socketConnectTimeout: Duration?
    /// `redis_socket_keepalive`; default false.
    public var socketKeepalive = false
    /// `redis_backend_health_check_interval`; `nil` leaves it to the client.
    public var healthCheckInterval: Duration?
    /// `redis_backend_use_ssl`; `nil` leaves it to the URL's scheme.
    public var tls: TLSSettings?

    /// How long one kind of result is kept.
    public enum Lifetime: Sendable, Hashable {
        /// As long as `result_expires` says.
        case asResults
        /// This long; `nil` means forever.
        case time(Duration?)
    }

    /// Celery's defaults, except that an unset backend is the broker.
    public init() {}

    /// How long a result of FAILURE is kept; `nil` means forever.
    public var failureLifetime: Duration? { lifetime(failureExpires) }
    /// How long a chord's counters are kept; `nil` means forever.
    public var chordLifetime: Duration? { lifetime(chordExpires) }

    private func lifetime(_ lifetime: Lifetime) -> Duration? {
        switch lifetime {
        case .asResults: expires
        case .time(let duration): duration
        }
    }
}

/// A serializer that bodies and results may be written in.
public enum Serializer: String, Sendable, Hashable, CaseIterable {
    /// `application/json`.
    case json
    /// `application/x-yaml`.
    case yaml
    /// `application/x-msgpack`.
    case msgpack

    /// The MIME type in messages.
    public var contentType: String { self == .json ? "application/json" : "application/x-\(rawValue)" }
}

/// A compression that bodies and results may be written with, by Kombu's short names.
public enum Compression: String, Sendable, Hashable, CaseIterable {
    /// `application/x-gzip`, which is zlib's format.
    case zlib
    /// The same, by its other name.
    case gzip
    /// `application/x-bz2`.
    case bzip2
    /// The same, by its other name.
    case bzip
    /// `application/x-lzma`.
    case lzma
    /// The same, by its other name.
    case xz
    /// `application/zstd`.
    case zstd
    /// The same, by its other name.
    case zstandard
    /// `application/x-brotli`.
    case brotli
}
