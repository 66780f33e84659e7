"""A plug-in for nas-harness: a search space, a searcher, a computed benchmark and a table.

Nothing here is imported before it is asked for by name. `docs/adding-a-space.md`,
`docs/adding-a-searcher.md` and `docs/adding-a-benchmark.md` go through it.
"""
