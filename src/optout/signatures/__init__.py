"""Who signed a request: HTTP Message Signatures (RFC 9421) as Web Bot Auth profiles them; nothing here raises."""
