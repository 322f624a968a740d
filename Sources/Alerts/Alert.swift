package import CeleryMessage

/// Something that people are to be told.
package struct Alert: Sendable, Hashable {
    /// What it is about.
    package enum Subject: Sendable, Hashable {
        /// A way of failing that nobody has been told of lately.
        case new
        /// More of one that was told.
        case more
        /// Letters of so many kinds, which are too many to be told one by one.
        case summary(kinds: Int)
        /// Nothing: somebody wants to see whether alerts arrive.
        case test
    }

    /// A kind of letters in a summary.
    package struct Line: Sendable, Hashable {
        /// The newest of them.
        package var letter: AlertLetter
        /// How many there are.
        package var count: Int
    }

    /// What it is about.
    package var subject: Subject
    /// The newest letter it is about.
    package var letter: AlertLetter
    /// How many letters it is about.
    package var count = 1
    /// When the first of them failed.
    package var firstSeen: Instant
    /// When the last of them failed.
    package var lastSeen: Instant
    /// The largest kinds of a summary, the largest first.
    package var lines: [Line] = []

    /// An alert about one letter.
    package init(_ subject: Subject, _ letter: AlertLetter) {
        self.subject = subject
        self.letter = letter
        firstSeen = letter.failedAt
        lastSeen = letter.failedAt
    }
}
