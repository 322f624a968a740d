import HTTPTypes
import Testing

@testable import AdminGateway

@Suite("Places for clients")
struct PlacesTests {
    private let places = Places(code: "too_many", refusal: "There are too many.")

    @Test func `are given to so many at once`() throws {
        var taken = [try places.enter(most: 2), try places.enter(most: 2)]
        let error = #expect(throws: GatewayError.self) { try places.enter(most: 2) }
        #expect(error?.status == .serviceUnavailable)
        #expect(error?.code == "too_many")
        #expect(error?.message == "There are too many.")
        taken.removeFirst()
        taken.append(try places.enter(most: 2))
        #expect(places.count == 2)
        taken = []
        #expect(places.count == 0)
    }

    @Test func `are given back once, however often they are left`() throws {
        let (first, second) = (try places.enter(most: 2), try places.enter(most: 2))
        first.leave()
        first.leave()
        #expect(places.count == 1)
        withExtendedLifetime((first, second)) {}
    }
}
