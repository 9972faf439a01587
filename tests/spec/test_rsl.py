"""RSL 1.0 (Really Simple Licensing, December 2025), part by part, as far as its text could be read in excerpts."""

from __future__ import annotations

import pytest

from optout.messages import Fields
from optout.robots.matcher import RobotsMatcher
from optout.robots.parser import parse_robots
from optout.signals.html_head import parse_head
from optout.signals.preference import Preference, Usage, preference_for
from optout.signals.rsl import parse_rsl
from optout.signals.rsl_discovery import licenses_of_fields, licenses_of_head, licenses_of_robots
from optout.signals.rsl_model import Rsl, RslContent
from optout.signals.rsl_uses import RslMatcher

ALLOWED, DISALLOWED, UNKNOWN = Preference.ALLOWED, Preference.DISALLOWED, Preference.UNKNOWN
RSL = "https://site.example/license.xml"


def read(inside: str, attributes: str = "") -> Rsl:
    return parse_rsl(f'<rsl xmlns="https://rslstandard.org/rsl"{attributes}>{inside}</rsl>'.encode())


def content(inside: str, attributes: str = 'url="/"') -> RslContent:
    rsl = read(f"<content {attributes}>{inside}</content>")
    assert rsl.faults == ()
    return rsl.contents[0]


def license_of(*licenses: str, attributes: str = 'url="/"') -> str:
    inside = "".join(f"<license>{each}</license>" for each in licenses)
    return f"<content {attributes}>{inside}</content>"


def says(inside: str, usage: Usage, target: str = "/a", authority: str = "site.example") -> Preference:
    return preference_for(RslMatcher(read(inside)).statements(target, authority, "RSL"), usage)


def permits(tokens: str, kind: str = "usage") -> str:
    return f'<permits type="{kind}">{tokens}</permits>'


def prohibits(tokens: str, kind: str = "usage") -> str:
    return f'<prohibits type="{kind}">{tokens}</prohibits>'


class TestDocumentModel:
    """The elements and their attributes."""

    def test_a_document_holds_thirty_days_unless_it_says_otherwise(self) -> None:
        assert read(license_of("")).max_age == 30
        assert read(license_of(""), ' max-age="7"').max_age == 7

    @pytest.mark.parametrize("written", ["0", "-1", "1.5", "P7D", "", "9999999"])
    def test_max_age_is_a_positive_number_of_days(self, written: str) -> None:
        rsl = read(license_of(""), f' max-age="{written}"')
        assert rsl.max_age == 30
        assert [fault.code for fault in rsl.faults] == ["bad-value"]

    def test_a_content_has_a_url_a_server_and_a_time(self) -> None:
        attributes = 'url="/a/*.jpg$" server="https://api.example/rsl" encrypted="true" lastmod="2026-01-02T03:04:05Z"'
        found = content("<license/>", attributes)
        assert (found.url, found.server, found.lastmod) == (
            "/a/*.jpg$",
            "https://api.example/rsl",
            "2026-01-02T03:04:05Z",
        )
        assert (found.is_encrypted, found.needs_token) == (True, True)

    def test_encrypted_content_needs_a_server(self) -> None:
        faults = read('<content url="/" encrypted="true"><license/></content>').faults
        assert [fault.code for fault in faults] == ["encrypted-without-server"]

    def test_a_content_has_at_least_one_license(self) -> None:
        assert [fault.code for fault in read('<content url="/"/>').faults] == ["no-license"]

    def test_a_payment_has_a_type_terms_and_an_amount(self) -> None:
        inside = (
            '<payment type="crawl"><standard>https://creativecommons.org/licenses/by/4.0/</standard>'
            '<custom>https://site.example/buy</custom><amount currency="EUR">0.01</amount>'
            '<accepts type="application/x402+json"/></payment>'
        )
        payment = content(f"<license>{inside}</license>").licenses[0].payment
        assert payment is not None
        assert (payment.type, payment.amount, payment.currency) == ("crawl", "0.01", "EUR")
        assert payment.standard == ("https://creativecommons.org/licenses/by/4.0/",)
        assert (payment.custom, payment.accepts) == (("https://site.example/buy",), ("application/x402+json",))

    @pytest.mark.parametrize("kind", "purchase subscription training crawl use contribution attribution free".split())
    def test_the_types_of_payment(self, kind: str) -> None:
        payment = content(f'<license><payment type="{kind}"/></license>').licenses[0].payment
        assert payment is not None
        assert payment.type == kind

    def test_reporting_has_a_type_a_profile_and_an_endpoint(self) -> None:
        inside = '<reporting type="audit" profile="https://p.example/1" endpoint="https://site.example/r"/>'
        (found,) = content(f"<license>{inside}</license>").licenses[0].reporting
        assert (found.type, found.profile, found.endpoint) == (
            "audit",
            "https://p.example/1",
            "https://site.example/r",
        )

    @pytest.mark.parametrize(
        ("kind", "text"),
        [
            ("warranty", "ownership authority no-infringement privacy-consent no-malware"),
            ("disclaimer", "as-is no-warranty no-liability no-indemnity"),
            ("attestation", "true"),
            ("contact", "rights@site.example"),
            ("proof", "https://site.example/proof"),
        ],
    )
    def test_legal_has_five_types(self, kind: str, text: str) -> None:
        (found,) = content(f'<license><legal type="{kind}">{text}</legal></license>').licenses[0].legal
        assert (found.type, found.text) == (kind, text)

    def test_a_content_may_name_copyright_schema_terms_and_other_forms(self) -> None:
        found = content(
            '<license/><alternate type="text/markdown">https://site.example/a.md</alternate>'
            "<schema>https://site.example/a.json</schema>"
            '<copyright type="person" contactEmail="me@site.example" contactUrl="https://site.example/">Me</copyright>'
            "<terms>https://site.example/terms</terms>"
        )
        assert found.alternates == (("text/markdown", "https://site.example/a.md"),)
        assert (found.schema, found.terms) == ("https://site.example/a.json", "https://site.example/terms")
        assert found.copyright is not None
        assert (found.copyright.type, found.copyright.email, found.copyright.text) == (
            "person",
            "me@site.example",
            "Me",
        )

    def test_permits_and_prohibits_have_three_types_of_tokens(self) -> None:
        lists = (
            permits("all ai-all ai-train ai-input ai-index search")
            + permits("commercial non-commercial education government personal", "user")
            + prohibits("EU US", "geo")
        )
        found = content(f"<license>{lists}</license>").licenses[0]
        assert [each.type for each in found.permits] == ["usage", "user"]
        assert [len(each.tokens) for each in found.permits] == [6, 5]
        assert found.prohibits[0].tokens == ("EU", "US")

    def test_there_is_one_element_of_a_type(self) -> None:
        faults = read(license_of(permits("search") + permits("ai-index"))).faults
        assert [fault.code for fault in faults] == ["duplicate-element"]

    def test_an_unknown_element_of_the_namespace_makes_the_document_non_conformant(self) -> None:
        rsl = read(license_of(permits("search") + "<discount/>"))
        assert [fault.code for fault in rsl.faults] == ["unknown-element"]
        assert not rsl.is_sound

    def test_elements_and_tokens_of_other_namespaces_are_left_alone(self) -> None:
        rsl = read(
            license_of(permits("search ext:summary") + "<ext:discount><x/></ext:discount>"),
            ' xmlns:ext="https://ext.example/"',
        )
        assert rsl.faults == ()
        assert rsl.contents[0].licenses[0].permits[0].tokens == ("search",)

    def test_an_extension_token_needs_a_declared_prefix(self) -> None:
        assert [fault.code for fault in read(license_of(permits("ext:summary"))).faults] == ["unknown-token"]

    @pytest.mark.parametrize(
        "space", ["", ' xmlns="https://rslstandard.org/RSL"', ' xmlns="http://rslstandard.org/rsl"']
    )
    def test_a_document_is_known_by_its_namespace(self, space: str) -> None:
        rsl = parse_rsl(f"<rsl{space}>{license_of('')}</rsl>".encode())
        assert rsl.contents == ()
        assert [fault.code for fault in rsl.faults] == ["not-rsl"]

    def test_a_prefix_serves_as_well_as_the_default_namespace(self) -> None:
        rsl = parse_rsl(
            b'<r:rsl xmlns:r="https://rslstandard.org/rsl"><r:content url="/"><r:license/></r:content></r:rsl>'
        )
        assert rsl.faults == ()
        assert len(rsl.contents[0].licenses) == 1

    def test_spellings_of_0_9_are_read_with_a_warning(self) -> None:
        inside = permits("search, ai-index") + ('<payment type="inference"><amount currency="XBT">1</amount></payment>')
        rsl = read(license_of(inside))
        assert [fault.code for fault in rsl.faults] == ["old-spelling"] * 3
        assert rsl.contents[0].licenses[0].permits[0].tokens == ("search", "ai-index")
        assert rsl.contents[0].licenses[0].payment is not None
        assert rsl.contents[0].licenses[0].payment.type == "use"
        assert rsl.is_sound


class TestEvaluation:
    """Which content counts, and what its licenses say."""

    def test_the_most_specific_content_counts_whatever_the_order(self) -> None:
        general, special = license_of(permits("search")), license_of(permits("ai-train"), attributes='url="/blog/"')
        for inside in (general + special, special + general):
            assert says(inside, Usage.TRAIN, "/blog/1") is ALLOWED
            assert says(inside, Usage.TRAIN, "/shop/1") is DISALLOWED

    def test_contents_for_the_same_url_are_combined_restrictively(self) -> None:
        both = license_of(permits("ai-train")) + license_of(prohibits("ai-train"))
        assert says(both, Usage.TRAIN) is DISALLOWED

    def test_urls_are_patterns_as_in_robots_txt(self) -> None:
        inside = license_of(prohibits("all"), attributes='url="/*.jpg$"')
        assert says(inside, Usage.TRAIN, "/a/b.jpg") is DISALLOWED
        assert says(inside, Usage.TRAIN, "/a/b.jpg?x") is UNKNOWN

    def test_an_absolute_url_is_about_its_own_site(self) -> None:
        inside = license_of(prohibits("all"), attributes='url="https://site.example/blog/"')
        assert says(inside, Usage.TRAIN, "/blog/1") is DISALLOWED
        assert says(inside, Usage.TRAIN, "/blog/1", "other.example") is UNKNOWN
        assert says(inside, Usage.TRAIN, "/") is UNKNOWN

    def test_a_use_is_licensed_if_one_license_permits_it(self) -> None:
        two = license_of(permits("search") + prohibits("ai-train"), permits("ai-train"))
        assert says(two, Usage.TRAIN) is ALLOWED
        assert says(two, Usage.SEARCH) is ALLOWED

    def test_a_list_of_permits_is_closed(self) -> None:
        assert says(license_of(permits("search")), Usage.TRAIN) is DISALLOWED
        assert says(license_of(permits("search")), Usage.MINE) is DISALLOWED

    def test_prohibits_beats_permits_inside_a_license(self) -> None:
        inside = license_of(permits("all") + prohibits("ai-train"))
        assert says(inside, Usage.TRAIN) is DISALLOWED
        assert says(inside, Usage.SEARCH) is ALLOWED
        assert says(inside, Usage.MINE) is UNKNOWN

    @pytest.mark.parametrize("usage", [Usage.TRAIN, Usage.INPUT, Usage.INDEX])
    def test_ai_all_covers_the_three_uses_of_ai(self, usage: Usage) -> None:
        assert says(license_of(permits("ai-all")), usage) is ALLOWED
        assert says(license_of(prohibits("ai-all")), usage) is DISALLOWED

    def test_ai_all_does_not_cover_search(self) -> None:
        assert says(license_of(permits("ai-all")), Usage.SEARCH) is DISALLOWED
        assert says(license_of(prohibits("ai-all")), Usage.SEARCH) is UNKNOWN

    def test_all_mining_is_permitted_by_all_alone_and_prohibited_by_all_or_ai_all(self) -> None:
        assert says(license_of(permits("all")), Usage.MINE) is ALLOWED
        assert says(license_of(permits("ai-all")), Usage.MINE) is UNKNOWN
        assert says(license_of(prohibits("ai-all")), Usage.MINE) is DISALLOWED
        assert says(license_of(prohibits("ai-train")), Usage.MINE) is UNKNOWN

    @pytest.mark.parametrize("usage", Usage)
    def test_where_no_list_names_usages_nothing_is_permitted_or_forbidden(self, usage: Usage) -> None:
        assert says(license_of(""), usage) is UNKNOWN
        assert says(license_of(prohibits("KP", "geo")), usage) is UNKNOWN

    @pytest.mark.parametrize(
        "demand",
        [
            '<payment type="crawl"/>',
            '<payment type="attribution"/>',
            '<reporting type="audit" profile="https://p.example/1"/>',
            permits("non-commercial", "user"),
            prohibits("EU", "geo"),
        ],
    )
    def test_what_is_permitted_on_conditions_is_disallowed_to_whoever_holds_no_license(self, demand: str) -> None:
        assert says(license_of(permits("ai-train") + demand), Usage.TRAIN) is DISALLOWED

    @pytest.mark.parametrize("payment", ["", '<payment type="free"/>'])
    def test_without_a_payment_a_license_is_free(self, payment: str) -> None:
        assert says(license_of(permits("ai-train") + payment), Usage.TRAIN) is ALLOWED

    def test_a_license_server_makes_a_token_obligatory_even_for_what_is_free(self) -> None:
        inside = license_of(permits("search"), attributes='url="/" server="https://api.example/"')
        assert says(inside, Usage.SEARCH) is DISALLOWED

    def test_without_a_document_nothing_is_said(self) -> None:
        for data in (b"", b"<html/>", b"User-agent: *"):
            assert RslMatcher(parse_rsl(data)).statements("/", "", "RSL") == ()

    def test_in_doubt_a_document_restricts_and_permits_nothing(self) -> None:
        inside = license_of(permits("search") + prohibits("ai-train")) + "<discount/>"
        assert says(inside, Usage.TRAIN) is DISALLOWED
        assert says(inside, Usage.SEARCH) is UNKNOWN


class TestDiscovery:
    """Where a document is named."""

    @staticmethod
    def of_robots(text: str, token: str = "GPTBot") -> tuple[str, ...]:
        robots = parse_robots(text.encode())
        return licenses_of_robots(robots, RobotsMatcher(robots).match((token,), "/")).urls

    def test_a_license_record_before_the_first_group_is_for_all(self) -> None:
        text = f"License: {RSL}\nUser-agent: GPTBot\nAllow: /\n"
        assert self.of_robots(text) == self.of_robots(text, "CCBot") == (RSL,)

    def test_one_in_a_group_is_for_that_group_and_replaces_those_for_all(self) -> None:
        text = f"License: {RSL}\nUser-agent: GPTBot\nLicense: {RSL}?gpt\nAllow: /\n\nUser-agent: *\nAllow: /\n"
        assert self.of_robots(text) == (f"{RSL}?gpt",)
        assert self.of_robots(text, "CCBot") == (RSL,)

    def test_a_license_record_is_repeatable(self) -> None:
        assert self.of_robots(f"License: {RSL}\nlicense : {RSL}?2\n") == (RSL, f"{RSL}?2")

    def test_it_must_be_an_absolute_url(self) -> None:
        robots = parse_robots(b"License: /license.xml\n")
        named = licenses_of_robots(robots, None)
        assert named.urls == ()
        assert [(fault.line, fault.code) for fault in named.faults] == [(1, "relative-url")]

    def test_it_never_changes_what_may_be_fetched(self) -> None:
        robots = parse_robots(f"User-agent: *\nDisallow: /a\nLicense: {RSL}\n".encode())
        assert not RobotsMatcher(robots).match(("GPTBot",), "/a").allowed

    @pytest.mark.parametrize(
        "value",
        [
            f'<{RSL}>; rel="license"; type="application/rsl+xml"',
            f"<{RSL}>; type=application/rsl+xml; rel=license",
            f'<https://a.example/>; rel=next, <{RSL}>;rel="canonical license";type="application/rsl+xml"',
        ],
    )
    def test_a_link_field_names_one_with_relation_and_type(self, value: str) -> None:
        assert licenses_of_fields(Fields((("Link", value),))).urls == (RSL,)

    @pytest.mark.parametrize(
        "value",
        [
            f'<{RSL}>; rel="license"',
            f'<{RSL}>; rel="license"; type="text/html"',
            f'<{RSL}>; rel="next"; type="application/rsl+xml"',
            '</license.xml>; rel="license"; type="application/rsl+xml"',
        ],
    )
    def test_a_link_without_either_or_that_is_relative_is_not_rsl(self, value: str) -> None:
        assert licenses_of_fields(Fields((("Link", value),))).urls == ()

    def test_a_link_element_in_the_head_names_one(self) -> None:
        element = f'<link rel="license" type="application/rsl+xml" href="{RSL}">'
        assert licenses_of_head(parse_head(f"<head>{element}</head>".encode())).urls == (RSL,)
        assert licenses_of_head(parse_head(f"<head></head><body>{element}".encode())).urls == ()
        assert licenses_of_head(parse_head(f'<link rel="license" href="{RSL[:-4]}">'.encode())).urls == ()

    def test_a_document_in_a_page_has_one_content_with_an_empty_url(self) -> None:
        good = b'<rsl xmlns="https://rslstandard.org/rsl"><content url=""><license/></content></rsl>'
        assert parse_rsl(good, in_page=True).faults == ()
        assert [fault.code for fault in parse_rsl(good).faults] == ["bad-url"]
        for bad in (
            good.replace(b'url=""', b'url="/"'),
            good.replace(b"</rsl>", b'<content url=""><license/></content></rsl>'),
        ):
            assert [fault.code for fault in parse_rsl(bad, in_page=True).faults] == ["bad-url"]

    def test_an_item_of_a_feed_may_hold_a_content(self) -> None:
        feed = """<rss version="2.0" xmlns:rsl="https://rslstandard.org/rsl"><channel><title>T</title>
            <item><link>https://site.example/1</link>
            <rsl:content url="https://site.example/1"><rsl:license>
            <rsl:prohibits type="usage">ai-all</rsl:prohibits></rsl:license></rsl:content></item>
            <item><link>https://site.example/2</link></item></channel></rss>"""
        matcher = RslMatcher(parse_rsl(feed.encode()))
        assert preference_for(matcher.statements("/1", "site.example", "feed"), Usage.TRAIN) is DISALLOWED
        assert matcher.statements("/2", "site.example", "feed") == ()
