"""The rules as tables, a room a topic. A rule is one entry; its texts become its page."""
