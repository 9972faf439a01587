"""Who crawls: `model` holds the nouns, `registry` recognizes, `tokens` finds words, `entries` reads data/*.yaml."""
