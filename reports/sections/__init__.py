"""The sections of a comparison's report: each says of a summary what a reader is to see."""
