"""Do the scores of one-shot methods rank architectures as a table does?"""

from __future__ import annotations

from reports.studies.one_shot_ranking.document import document
from reports.studies.one_shot_ranking.result import OneShotRanking
from reports.studies.one_shot_ranking.study import Settings, one_shot_ranking

__all__ = ["OneShotRanking", "Settings", "document", "one_shot_ranking"]
