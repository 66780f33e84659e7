"""Everything that touches Ray. Nothing outside this package imports it."""
