"""Comparing what two programs say by its shape: the same keys with values of the same types."""


def differences(ours, theirs, path=""):
    """Where `ours` has other keys or types than `theirs`; of lists the first elements are compared."""
    if type(ours) is not type(theirs):
        return [f"{path or 'all'}: {type(ours).__name__} {ours!r:.80}, not {type(theirs).__name__} {theirs!r:.80}"]
    if isinstance(ours, dict):
        found = [f"{path}.{key} is missing" for key in theirs if key not in ours]
        found += [f"{path}.{key} is not Celery's" for key in ours if key not in theirs]
        for key in ours:
            if key in theirs:
                found += differences(ours[key], theirs[key], f"{path}.{key}")
        return found
    if isinstance(ours, list) and ours and theirs:
        return differences(ours[0], theirs[0], f"{path}[0]")
    return []
