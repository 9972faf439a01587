"""Optout as an addon for mitmdump, a reverse proxy before one site.

    mitmdump --mode reverse:http://127.0.0.1:8000 -s addons/optout_addon.py \\
        --set optout_policy=policies/no-training.yaml

README.md beside this file lists the options.
"""

from optout.adapters.mitmproxy import OptoutAddon

addons = [OptoutAddon()]
