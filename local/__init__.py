"""The laptop cloud: MiniStack behind an edge cache, the build of the layers, and the deploy."""
