"""PyTorch networks of the searched spaces; the only place, with `harness.training`, for torch.

Nothing here is imported by `import harness`: a search on a table never needs torch.
"""
