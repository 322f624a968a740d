package import Mustache

extension MustacheTemplate {
    /// A template of HTML: every value in two braces is escaped by ``HTMLEscaping``.
    ///
    /// A template that names `HTML` as its content type itself is escaped the same way, one that names `TEXT` is not.
    ///
    /// - Throws: The library's error, with the place in this source, for a template that cannot be parsed.
    package init(html source: String) throws {
        _ = Self.registration
        do {
            try self.init(string: "{{% CONTENT_TYPE: HTML}}\n" + source)
        } catch {
            // Parsed on its own, so that the error tells the line of the file and not the one after it.
            _ = try MustacheTemplate(string: source)
            throw error
        }
    }

    /// Under the library's own name, which it gives to no template by itself.
    private static let registration: Void = MustacheContentTypes.register(HTMLEscaping(), named: "HTML")
}
