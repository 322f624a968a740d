public import CeleryMessage

extension MessageCodecs {
    /// Every format a Celery message may come in that can be read without running code of its sender.
    ///
    /// All of Celery's compressions are known; of the serializers only those named in `accept` are read.
    ///
    /// - Parameters:
    ///   - accept: names or mime types (`accept_content`): `json`, `yaml`, `msgpack`.
    ///   - serializers: formats beside JSON, YAML and MessagePack.
    public static func celery(
        accept: Set<String> = ["json"],
        serializers: [any BodySerializer] = []
    ) -> MessageCodecs {
        MessageCodecs(
            accept: accept,
            serializers: [YAMLSerializer(), MessagePackSerializer()] + serializers,
            compressions: [
                ZlibCompression(), Bzip2Compression(), LZMACompression(), ZstandardCompression(), BrotliCompression(),
            ]
        )
    }
}
