"""The `optout` command: one file per command, imported only when it is called."""
