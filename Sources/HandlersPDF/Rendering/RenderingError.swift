/// A document that could not be drawn, for a reason within the drawing libraries.
struct RenderingError: Error, Equatable {
    var message: String
}
