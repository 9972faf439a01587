"""robots.txt as RFC 9309 has it: bytes to values (`parser`), values to an answer with its line (`matcher`).

`dialects` tells how other readers take the same file. Nothing here knows a crawler by name, and nothing a
stranger wrote raises or costs more than linear time.
"""
