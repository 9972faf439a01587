"""A tamper-evident, append-only log of records (RFC 6962 tree, C2SP checkpoints); it knows bytes, not crawlers.

    schema        what a record may hold, and its one canonical form
    form          what records that are alike share, encoded once
    tree          RFC 6962: leaf and node hashes, roots, inclusion and consistency proofs
    tiles         the tree's hashes in files of 256 (C2SP tlog-tiles)
    proofs        that a record is in a log, as a file (C2SP tlog-proof)
    checkpoint    C2SP signed notes, checkpoints, verifier keys
    frames        one record in a file, with its private part
    segments      frames in segment files, and the two ways of reading them back
    directory     where everything lies, how a log is made, and the last signed state (compare-and-swap)
    writer        the one thread of a process that touches the disk
    ledger        where it writes in the process that holds the log: segments, tree, documents, checkpoints
    spool         where it writes in any other; `spool_reader` and `sequencer` take that over into the ledger
    recorder      what a door holds; `log` is the one that holds the log, `spooled_log` the one beside it
    opening       which of the two a process gets; `stand_in` changes it when the holder ends
    export        the whole of it as static files for public readers
    index         where in a log something stands, and sums; made from the segments, never believed
    private       what is sealed beside a record; `keys`, `erasure`, `holds`, `retention` are about it
    anchors       timestamps of outside authorities (`timestamp`), and what somebody noted of the log (`seen`)
    bundle        a part of it, with all that proves it, for whoever has to judge
    audit         whether a directory still is what was signed

Small rooms beside them: `clock`, `budget`, `notes`, `inbox`, `ballast`, `receipt`, `recovery`, `torn`, `waiting`.
"""
