"""The doors, and what they share: the only rooms besides the evidence log that touch the world.

    doors      aiohttp, asgi, wsgi  middleware;  gateway  a reverse proxy;  forward_auth  for front ends;  mitmproxy
    beside     doctor  asks a door from outside;  init  an owner's first files;  ingest  front ends' logs as evidence
    around     workers  several gateways on one port (worker);  stats  what a door counts, and its pages
    shared     driver    engine, resolver, log and off switch for one request at a time; the one broad `except`
               upkeep    reload, bypass intervals, warnings: what nobody waits for
               embedded  a driver inside somebody's application
               intake    a request's head as a value;  client_address  whose address it is
               documents, document_choice, resolver, fetcher   what the site publishes, and who asks for it
               key_directories, public_addresses, replays      whose signature it is
               shared_marks  what workers know together;  rates  how often an operator has come
               policy_files, crawler_files, switch, serve_options   what the owner set
               policy_watch, policy_directory, policy_snapshots   many policies: what changed, what is kept

Each door is a package of its own, and no door imports another.
"""
