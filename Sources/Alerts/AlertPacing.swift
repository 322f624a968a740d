/// How often people are told.
package struct AlertPacing: Sendable, Hashable {
    /// For how long further letters of a kind that was told are gathered.
    package var groupFor: Duration = .seconds(60)
    /// The most alerts in an hour; everything beyond them is one summary.
    package var mostPerHour = 20

    /// A minute, and twenty in an hour.
    package init() {}
}
