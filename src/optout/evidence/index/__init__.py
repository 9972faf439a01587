"""An index over a log's records, so that questions about millions of them are answered at once (evidence.md part 5.5).

It is derived: made from the segments, asked beside them, and never a record itself. Whoever deletes it loses nothing.

    tables     what stands in it, and which version of that this is
    facts      the few fields of a record that it knows
    known      what stands in the tables already
    batch      some thousand records on their way there
    filling    from the segments into the tables, on from where it left off
    opening    where it lies, whether it still fits its log, and what happens if not
    question   what may be asked
    asking     records: in which order, and how they are found without looking at all of them
    figures    sums by crawler, operator, purpose, action, day, ...
    catalog    the indexes of a log and of those before it, asked as one
"""
