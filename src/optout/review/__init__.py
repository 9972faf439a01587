"""What was taken, by whom, under which rule: the creator's pages, and logs from before Optout.

    importing    access logs of a web server, counted: what AI crawlers took

Rule: what arrived and what was concluded stand apart, a claim is called a claim, and every number says how it was
counted. Nobody but a recognized crawler is ever shown.
"""
