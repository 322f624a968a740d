/// The alphabets a text message can travel in; they decide how many parts it is charged as.
public enum SMSEncoding: String, Sendable, CaseIterable {
    /// GSM 03.38 default alphabet with its extension table: 160 units, or 153 in each part of several.
    case gsm7 = "GSM-7"
    /// The default alphabet with the Turkish single shift table in place of the extension table: 155 units, or 149.
    case gsm7Turkish = "GSM-7 Turkish"
    /// UTF-16: 70 units, or 67.
    case ucs2 = "UCS-2"
}
