extension TaskRequest {
    /// A task id as the name of a file: nothing in it can lead elsewhere.
    ///
    /// - Parameter place: which of the task's files it is, where it makes several.
    public static func fileName(_ id: String, place: Int? = nil) -> String {
        let safe = id.utf8.prefix(120).map { byte -> Character in
            let character = Character(UnicodeScalar(byte))
            return character.isASCII && (character.isLetter || character.isNumber || character == "-") ? character : "_"
        }
        return String(safe) + (place.map { "-\($0)" } ?? "")
    }
}
