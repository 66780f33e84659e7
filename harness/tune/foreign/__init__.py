"""The opposite adapter: any Ray Tune searcher as a searcher of ours, asked and told in-process.

Ray and the libraries are imported when a search is built, so that `nas-harness list` needs none.
"""
