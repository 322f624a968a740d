import Foundation
import Settings
import TestSupport

/// Loads a text as `tasks.yaml`, with this environment and command line.
func load(
    _ text: String,
    environment: [String: String] = [:],
    overrides: [ConfigurationLoader.Override] = [],
    handlers: [String]? = nil
) throws -> LoadedConfiguration {
    let folder = try ScratchFolder()
    try folder.write(Data(text.utf8), to: "tasks.yaml")
    return ConfigurationLoader(
        file: .standard,
        environment: environment,
        overrides: overrides,
        handlers: handlers,
        workingFolder: folder.path
    ).load()
}

/// A configuration that must be good.
struct NotGood: Error, CustomStringConvertible {
    let description: String
}

/// The configuration in a text, which must have no errors.
func configuration(
    _ text: String,
    environment: [String: String] = [:],
    overrides: [ConfigurationLoader.Override] = []
) throws -> CeleriacConfiguration {
    let loaded = try load(text, environment: environment, overrides: overrides)
    guard let configuration = loaded.configuration else { throw NotGood(description: loaded.report.description) }
    return configuration
}

/// The top folder of the repository.
let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()
