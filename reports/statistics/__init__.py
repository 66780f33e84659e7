"""Is a strategy better than random search? One statistic a file, from final results to verdicts.

Every result is a frozen dataclass of plain numbers, which sections only draw.
"""
