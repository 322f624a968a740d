import Databases
import Testing

struct NamedSQLTests {
    @Test(arguments: [
        ("select 1", "select 1", []),
        ("select :a, :b, :a", "select ?1, ?2, ?1", ["a", "b"]),
        ("where x=:id_2and y", "where x=?1 y", ["id_2and"]),
        ("select ':a', \":b\", `:c`, [:d], :e", "select ':a', \":b\", `:c`, [:d], ?1", ["e"]),
        ("select 'it''s :a' || :b", "select 'it''s :a' || ?1", ["b"]),
        ("select 1 -- :a\n, :b", "select 1 -- :a\n, ?1", ["b"]),
        ("select /* :a */ :b", "select /* :a */ ?1", ["b"]),
        ("select x::text, :b", "select x::text, ?1", ["b"]),
        ("select a$b, :ğ", "select a$b, ?1", ["ğ"]),
        ("select 1 /* open :a", "select 1 /* open :a", []),
    ])
    func `numbers the parameters outside of quotes and comments`(sql: String, numbered: String, names: [String]) throws
    {
        let statement = try NamedSQL(sql)
        #expect(statement.numbered == numbered)
        #expect(statement.names == names)
    }

    @Test(arguments: [
        "", "  \n", ";", "-- only a comment", "select 'open", "select \"open", "select ?", "select @a", "select $a",
    ])
    func `refuses other notations, open quotes and nothing`(sql: String) {
        #expect(throws: SQLError(.invalidStatement, "")) { try NamedSQL(sql) }
    }
}
