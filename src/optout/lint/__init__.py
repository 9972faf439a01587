"""Finds what is wrong with what a site publishes, says why it matters, and mends what can be mended safely.

`base` has the nouns, `rules/` the rules as tables, `runner` applies them. Codes are permanent and never reused: `RT1xx`
syntax of robots.txt, `RT2xx` its groups and matching, `RT3xx` crawlers, `RT4xx` signals in it, `TD1xx` tdmrep.json,
`RL1xx` license documents, `AU1xx` what a site serves.
"""
