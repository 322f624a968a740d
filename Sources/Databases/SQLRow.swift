/// One row of a result: values in the order of the statement's columns, also found by name.
public struct SQLRow: Sendable {
    /// The columns' names; all rows of one result share them.
    public let columns: SQLColumns
    /// The values, one for each column.
    public let values: [SQLValue]

    /// Makes a row.
    ///
    /// - Parameter values: As many values as there are columns.
    public init(columns: SQLColumns, values: [SQLValue]) {
        precondition(columns.names.count == values.count, "a row has one value for each column")
        self.columns = columns
        self.values = values
    }

    /// The value of the column of this name; nil where the result has no such column.
    public subscript(_ name: String) -> SQLValue? {
        columns.index(of: name).map { values[$0] }
    }
}

/// The names of a result's columns.
public struct SQLColumns: Sendable {
    /// The names in the order of the statement, as it wrote them (`AS name`).
    public let names: [String]
    private let indexes: [String: Int]

    /// Makes a list of columns; of two columns with the same name, the first is found by it.
    public init(_ names: [String]) {
        self.names = names
        self.indexes = Dictionary(zip(names, names.indices), uniquingKeysWith: { first, _ in first })
    }

    /// The position of the column of this name; names compare exactly.
    public func index(of name: String) -> Int? { indexes[name] }
}
