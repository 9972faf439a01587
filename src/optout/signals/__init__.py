"""What a site says about the use of its content: one published format, one module; foreign bytes never raise here."""
