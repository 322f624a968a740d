public import CeleryMessage

/// An error of one's own that says which Python exception it is for clients.
///
/// ```swift
/// struct OutOfStock: Error, PythonError {
///     var item: String
///     static let pythonModule = "shop.errors"
///     var pythonArguments: [JSONValue] { [.string(item)] }
/// }
/// ```
///
/// Clients import the module and raise `shop.errors.OutOfStock(item)`; `autoretry_for`, `throws` and the like name it
/// `OutOfStock` or `shop.errors.OutOfStock`. A client without the class makes one up under its name.
public protocol PythonError: Error {
    /// The module of the class; `celeriac.exceptions` by default.
    static var pythonModule: String { get }
    /// The class; the name of the Swift type by default.
    static var pythonType: String { get }
    /// What the class is called with; the error's description by default.
    var pythonArguments: [JSONValue] { get }
}

extension PythonError {
    /// A module that no client has.
    public static var pythonModule: String { "celeriac.exceptions" }
    /// The name of the Swift type.
    public static var pythonType: String { String(describing: Self.self) }
    /// The error's description.
    public var pythonArguments: [JSONValue] { [.string(String(describing: self))] }
}

extension TaskFailure {
    /// The failure that an error is for clients: itself, what a ``PythonError`` says, or `celeriac.exceptions.<Swift type>`
    /// with the error's description.
    public init(_ error: any Error) {
        switch error {
        case let failure as TaskFailure: self = failure
        case let error as any PythonError:
            self = Self.failure(error)
            origin = String(reflecting: Swift.type(of: error))
        default:
            // Python makes up a class of this name when it has none, so `except` by name still reads well there.
            self.init(
                module: "celeriac.exceptions",
                type: String(describing: Swift.type(of: error)),
                arguments: [.string(String(describing: error))]
            )
            origin = String(reflecting: Swift.type(of: error))
        }
    }

    private static func failure<Failure: PythonError>(_ error: Failure) -> TaskFailure {
        TaskFailure(module: Failure.pythonModule, type: Failure.pythonType, arguments: error.pythonArguments)
    }
}
