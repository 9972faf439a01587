"""Pages that people read about a log: what was asked for, what was answered, and how to check it.

    foreign       strangers' text, made harmless
    figures       counts over records, each with the records it came from
    visits        the page of a bundle
    start_here    its first two sheets, as PDF

Rule: what arrived and what was concluded stand apart, and a claim is called a claim.
"""
