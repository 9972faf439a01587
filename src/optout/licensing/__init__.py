"""License tokens that crawlers present, and what a license server says of them (RSL 1.0: CAP, OLP). Pure."""
