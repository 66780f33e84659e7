"""Studies: pure functions from tables or records to frozen results, and the pages they make."""
