"""The pages: each is a function from what was asked to a plain dictionary, which a template shows and JSON repeats.

    overview    who came, what each was told, the log's health
    records     the records behind a figure, newest first
    record      one record: what arrived, what was concluded, the rule, the proof
    crawler     one name: what is published about it, what it did here
    works       a list of works: which were sought, by whom
    stance      what another stance would have answered to the latest requests
    policy      what is in force, and what each visitor would get for a URL
    exporting   a bundle, with a look at its personal data before

Rule: a dictionary holds what JSON can carry and nothing else; no count in it is rounded.
"""
