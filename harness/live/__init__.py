"""Live trainings: networks trained when a search proposes them, and what is kept of them."""
