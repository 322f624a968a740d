/// What somebody is asked before something is done that cannot be undone.
struct Question {
    var question: String
    var explanation: String
    /// What the button says that does it.
    var yes: String
    /// What has to be typed, for what hurts most.
    var typed: String?
    var isDangerous = true
    /// A choice: name of the field, and label.
    var choice: (name: String, label: String)?
    /// A number: name of the field, label and value.
    var number: (name: String, label: String, value: String)?

    /// A question by its key in the words: `ask.<key>`, explained by `ask.<key>.help`.
    ///
    /// - Parameter yes: the key of what the button says; the question's own by default.
    init(
        _ key: String,
        _ values: KeyValuePairs<String, String> = [:],
        yes: String? = nil,
        isDangerous: Bool = true,
        _ words: Words
    ) {
        question = words["ask.\(key)", values]
        explanation = words["ask.\(key).help"]
        self.yes = words[yes ?? key]
        self.isDangerous = isDangerous
    }

    /// The page with the question; its form sends everything that was sent, and the answer.
    func page(_ frame: PageFrame, form: Form, action: String, back: String) -> Page {
        Page(
            template: "confirm",
            title: frame.words["confirm"],
            refreshes: false,
            content: [
                "action": action, "question": question, "explanation": explanation, "yes": yes, "back": back,
                "kind": isDangerous ? "danger" : "", "typed": maybe(typed),
                "typedLabel": typed.map { frame.words["typeName", ["name": $0]] } ?? "",
                "extra": choice.map { ["name": $0.name, "label": $0.label, "isChosen": false] } ?? false as Any,
                "number": number.map { ["name": $0.name, "label": $0.label, "value": $0.value] } ?? false as Any,
                "fields": form.without(["csrf", "confirmed", "typed"]).map { ["name": $0.name, "value": $0.value] },
            ]
        )
    }
}
