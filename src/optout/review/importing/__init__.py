"""Access logs from before: what AI crawlers took, marked as imported and unproved.

    files       plain, gzip and zstd files as pieces of whole lines, with the hash of each file
    lines       one line of nginx, Apache or Caddy as values
    counting    the lines of recognized crawlers, counted; all others are a number and nothing else
    account     what was counted, as values
    sheet       the account as a report

Rule: a person's line is counted and forgotten. Only its user agent is looked at, and only to see that it names no
crawler.
"""
