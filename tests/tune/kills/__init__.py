"""Random kills of live searches, and the proof that nothing is lost and nothing repeated.

``python -m tests.tune.kills --kills 1000`` runs experiments with ``--trials evaluation`` on a fast
computed benchmark, kills their drivers and workers at random moments, and starts them again until
they finish. All processes write what they do to one log (`observed`), from which an audit
(`audit`) finds whether an evaluation that stood in a journal was lost or measured again.
"""
