"""What the answers at the front door mean: from visits, and what doors saw of them, to findings. No I/O here."""

from __future__ import annotations

from collections.abc import Iterator

from optout.adapters.doctor.findings import Finding, fault, ok, warning
from optout.adapters.doctor.visits import Visits
from optout.adapters.doctor.watch import Seen
from optout.adapters.fetcher import Visited

_CACHE_FIELDS = ("cache-status", "x-cache", "x-cache-status", "x-proxy-cache", "cf-cache-status", "x-drupal-cache")
_PROBLEM = "application/problem+json"


def is_refusal(seen: Visited) -> bool:
    """Whether an answer is a refusal of Optout's, by a door or a compiled front end."""
    media_type = (seen.fields.first("content-type") or "").partition(";")[0].strip().lower()
    is_problem = media_type == _PROBLEM or (media_type == "text/html" and _PROBLEM.encode() in seen.body)
    return seen.status >= 400 and is_problem


def look_at_people(visits: Visits) -> Iterator[Finding]:
    """Whether a person is let in."""
    seen = visits.person
    if is_refusal(seen):
        why = "people are locked out: something in front hides who asks, or a cache hands out a crawler's refusal"
        yield fault("people", f"a browser is answered {seen.status} with a crawler's refusal", why, "optout off")
    elif seen.status >= 400:
        yield warning(
            "people", f"a browser is answered {seen.status}", "the site itself refuses the page that was named"
        )
    else:
        yield ok("people", f"a browser is answered {seen.status}")


def look_at_search(visits: Visits) -> Iterator[Finding]:
    """Whether a search engine gets what a person gets."""
    person, again, search = visits.person, visits.person_again, visits.search
    if search.status == 0:
        yield warning("search", f"a search engine got no answer: {search.fault}", "it will not list the site")
    elif is_refusal(search):
        why = "the site disappears from search results"
        yield fault("search", f"a search engine is answered {search.status} with a refusal", why, "optout off")
    elif search.status != person.status:
        why = "search engines distrust sites that show them something else"
        yield warning("search", f"a search engine is answered {search.status}, a browser {person.status}", why)
    elif search.body != person.body and person.body == again.body:
        why = "search engines distrust sites that show them something else; this is not Optout's doing"
        yield warning("search", "a search engine gets another page than a browser", why)
    else:
        same = (
            "the same bytes as" if search.body == person.body else "the same status as, for a page that always changes,"
        )
        yield ok("search", f"a search engine gets {same} a browser")


def look_at_refusal(visits: Visits, arrived: Seen | None) -> Iterator[Finding]:
    """Whether the crawler gets the answer that it was given, with the fields that keep caches away."""
    seen, name = visits.nonce_crawled, visits.crawler.name
    if arrived is not None and arrived.status is not None and not is_refusal(seen):
        why = "the front end replaces Optout's answer; what is on record is not what the crawler got"
        what = f"Optout answered {name} with {arrived.status}, and {seen.status} arrived"
        yield fault("refusal", what, why, "proxy_intercept_errors off;")
        return
    if not is_refusal(seen):
        yield _passes(visits, arrived)
        return
    yield ok("refusal", f"{name} is answered {seen.status}")
    control = ", ".join(seen.fields.all("cache-control")).lower()
    vary = ", ".join(seen.fields.all("vary")).lower()
    if "no-store" not in control or not ("user-agent" in vary or "*" in vary):
        why = "a cache may hand the refusal to people, or a page to crawlers"
        what = "the refusal has lost Cache-Control: no-store or Vary: User-Agent on its way"
        yield fault("refusal-fields", what, why, "# remove add_header, proxy_hide_header and the like for these fields")
    else:
        yield ok("refusal-fields", "refusals carry no-store and Vary")


def _passes(visits: Visits, arrived: Seen | None) -> Finding:
    name = visits.crawler.name
    if arrived is None:
        why = "if the policy refuses it, the front end does not send it to Optout"
        return warning("refusal", f"{name} is let in, and no door saw it", why)
    if not arrived.action:
        why = "its crawlers pass, unrecorded"
        return warning("refusal", f"no policy names {arrived.authority}", why, f"sites: [{arrived.authority}]")
    if arrived.action != "allow" and not arrived.enforced:
        return ok("refusal", f"{name} passes, because this is only observed; enforced it would be: {arrived.action}")
    return ok("refusal", f"{name} passes, by {arrived.clause}")


def look_at_caches(visits: Visits, seen: tuple[Seen, ...]) -> Iterator[Finding]:
    """Whether a cache answers in Optout's place."""
    marks = sorted({mark for visit in visits.all for mark in _cache_marks(visit)})
    told = f" ({', '.join(marks)})" if marks else ""
    arrived = {(each.target, each.user_agent) for each in seen}
    is_watched = (visits.nonce, visits.user_agent) in arrived
    if is_refusal(visits.person_after) or is_refusal(visits.nonce_person):
        why = "whoever comes after a crawler is locked out"
        yield fault("cache", f"a cache hands a crawler's refusal to people{told}", why, *_NO_CACHE)
    elif is_watched and (visits.target.page, visits.user_agent) not in arrived:
        why = "what it holds goes out without a decision and without a record"
        yield fault("cache", f"a cache answers crawlers in Optout's place{told}", why, *_NO_CACHE)
    elif marks:
        why = "it answers some requests before Optout sees them; Optout belongs between it and the visitors"
        yield warning("cache", f"a cache stands in front{told}", why, *_NO_CACHE)
    else:
        yield ok("cache", "no cache answered")


_NO_CACHE = (
    "# nginx, where the cache is: never answer a possible crawler from it",
    "proxy_cache_bypass $optout_possible;",
    "proxy_no_cache $optout_possible;",
)


def _cache_marks(seen: Visited) -> Iterator[str]:
    age = seen.fields.first("age") or ""
    if age.isdecimal() and int(age[:10]):
        yield f"Age: {age[:10]}"
    for name in _CACHE_FIELDS:
        value = seen.fields.first(name) or ""
        if "hit" in value.lower():
            yield f"{name}: {value[:60]}"


def look_at_open_files(visits: Visits) -> Iterator[Finding]:
    """Whether what must answer everybody answers a refused crawler, too."""
    refused = [path for path, seen in visits.open_to_crawler.items() if is_refusal(seen)]
    other = [
        path
        for path, seen in visits.open_to_crawler.items()
        if path not in refused and (seen.status, seen.body) != _of(visits.open_to_person.get(path))
    ]
    if refused:
        why = "a crawler that cannot read robots.txt may take everything (RFC 9309 section 2.3.1.3)"
        yield fault("always-open", f"{visits.crawler.name} is refused {', '.join(refused)}", why)
    elif other:
        why = "what is declared must be the same for everybody"
        yield warning("always-open", f"{visits.crawler.name} gets something else for {', '.join(other)}", why)
    else:
        yield ok("always-open", f"{visits.crawler.name} may read {', '.join(visits.open_to_crawler)}")
    robots = visits.open_to_person.get("/robots.txt")
    if robots is not None and robots.status != 200:
        why = "crawlers that obey are told nothing, and what is refused is not declared"
        yield warning("robots", f"robots.txt is answered {robots.status or robots.fault}", why)


def _of(seen: Visited | None) -> tuple[int, bytes] | None:
    return None if seen is None else (seen.status, seen.body)
