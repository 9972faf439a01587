"""The numbers of `stats` as Prometheus reads them: one table of names, units and words.

Names are permanent. Units are base units, and every label is one of our own few words. Counters that an alert looks at
are there with 0 from the start, since the first increase of a series that was not there is no increase to Prometheus.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from optout.adapters.stats import WAIT_BOUNDS_US, DiskWait, FaultPlace, LogStats, Stats, merged
from optout.adapters.stats.reading import stats as stats_of_this_process
from optout.evidence.receipt import Loss
from optout.policy.model import Mode

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
"""The text exposition format, which every version of Prometheus reads."""

_S = 1_000_000  # microseconds

_Sample = tuple[tuple[str, ...], float]
_Read = Callable[[Stats], Iterable[_Sample]]


class Measure(NamedTuple):
    """One metric: its name, what it says, its labels, and where its samples are in `Stats`."""

    name: str
    help: str
    samples: _Read
    labels: tuple[str, ...] = ()


def _one(read: Callable[[Stats], float]) -> _Read:
    return lambda stats: [((), read(stats))]


def _of_log(read: Callable[[LogStats], float]) -> _Read:
    return lambda stats: [] if stats.log is None else [((), read(stats.log))]


def _answers(stats: Stats) -> Iterator[_Sample]:
    for each in stats.answers:
        status = "passed" if each.status is None else str(each.status)
        words = (each.purpose.value, each.standing.value, each.action.value, str(each.enforced).lower(), status)
        yield words, each.count


COUNTERS = (
    Measure(
        "optout_requests_total",
        "Requests of recognized crawlers that were judged. People are never counted."
        " status is that of the refusal, or passed; action is what was decided, and was done if enforced is true.",
        _answers,
        ("purpose", "standing", "action", "enforced", "status"),
    ),
    Measure(
        "optout_requests_left_alone_total",
        "Requests of recognized crawlers that were neither answered nor recorded, such as those of search engines.",
        lambda stats: [((purpose.value,), count) for purpose, count in stats.left_alone.items()],
        ("purpose",),
    ),
    Measure(
        "optout_requests_without_policy_total",
        "Requests of recognized crawlers for sites that no policy is for; they pass.",
        _one(lambda stats: stats.without_policy),
    ),
    Measure(
        "optout_search_refused_total",
        "Requests under a search engine's name that were refused, but for those that were proven forged.",
        _one(lambda stats: stats.search_refused),
    ),
    Measure(
        "optout_records_lost_total",
        "Records that were not written, by reason. The log tells the same in its gaps.",
        lambda stats: [((loss.value,), stats.lost.get(loss, 0)) for loss in Loss],
        ("reason",),
    ),
    Measure(
        "optout_records_late_total",
        "Records that were not on disk in time. They are written, or lost, later.",
        _one(lambda stats: stats.late),
    ),
    Measure(
        "optout_faults_total",
        "Faults of Optout's own, by the place where they were caught; observer is the application's own function.",
        lambda stats: [((place.value,), stats.faults.get(place, 0)) for place in FaultPlace],
        ("place",),
    ),
)

GAUGES = (
    Measure("optout_doors", "Doors, or workers, that these numbers are of.", _one(lambda stats: stats.doors)),
    Measure(
        "optout_enforcing",
        "1 if a policy is enforced; 0 if everything is only observed.",
        _one(lambda stats: stats.mode is Mode.ENFORCE),
    ),
    Measure(
        "optout_bypass_open_seconds",
        "For how long a site has been turned off, the longest; 0 while none is.",
        _one(lambda stats: max(0, stats.taken_us - stats.off_since_us) / _S if stats.off_since_us else 0),
    ),
    Measure(
        "optout_policies",
        "Policies in force, by what they do: enforce or observe.",
        lambda stats: [((mode.value,), stats.policies.get(mode, 0)) for mode in Mode],
        ("mode",),
    ),
    Measure(
        "optout_policy_problems",
        "Faults in policy files as they were last read; what they are stands in the log output.",
        _one(lambda stats: stats.policy_problems),
    ),
    Measure(
        "optout_declarations_sites",
        "Sites that were asked for robots.txt and tdmrep.json, and are still remembered.",
        _one(lambda stats: stats.declarations.sites),
    ),
    Measure(
        "optout_declarations_unknown_sites",
        "Of these, sites of which a document could never be read, by whether a policy names them.",
        lambda stats: [
            (("true",), stats.declarations.unknown_named),
            (("false",), stats.declarations.unknown - stats.declarations.unknown_named),
        ],
        ("named",),
    ),
    Measure(
        "optout_declarations_age_seconds",
        "For how long a site that once answered for its documents has not, the longest; 0 while all answer.",
        _one(lambda stats: stats.declarations.silent_s),
    ),
    Measure(
        "optout_crawler_registry_timestamp_seconds",
        "The newest day on which a fact about a crawler was read, in seconds since 1970 UTC.",
        lambda stats: [] if not stats.registry_date else [((), _day(stats.registry_date))],
    ),
    Measure(
        "optout_log_writable",
        "1 while the evidence log takes records.",
        _of_log(lambda log: log.writable),
    ),
    Measure(
        "optout_log_gap_open",
        "1 while records are missing and the evidence log could not tell so yet.",
        _of_log(lambda log: log.gap_open),
    ),
    Measure("optout_log_records", "Records in the evidence log.", _of_log(lambda log: log.size)),
    Measure("optout_log_queue_records", "Records that wait to be written.", _of_log(lambda log: log.queue_depth)),
    Measure("optout_log_used_bytes", "Bytes that the evidence log takes on disk.", _of_log(lambda log: log.used_bytes)),
    Measure("optout_log_max_bytes", "Bytes that it may take.", _of_log(lambda log: log.max_bytes)),
    Measure(
        "optout_log_spooled_bytes",
        "Bytes of the workers' spools: records that wait to be taken over into the log, and up to 1 MiB that were.",
        _of_log(lambda log: log.spooled_bytes),
    ),
    Measure(
        "optout_log_checkpoint_timestamp_seconds",
        "When the evidence log was last signed, in seconds since 1970 UTC.",
        _of_log(lambda log: log.checkpoint_us / _S),
    ),
)

DISK_WAIT = "optout_disk_wait_seconds"
_DISK_WAIT_HELP = "How long answers to crawlers waited until their record was on disk; no wait is longer than 0.25."
READY = "optout_ready"
_READY_HELP = "1 if /readyz would answer 200 now."


def _day(date: str) -> float:
    return datetime.fromisoformat(date).replace(tzinfo=UTC).timestamp()


def families(stats: Stats) -> Iterator[Metric]:
    """Every metric with its samples."""
    for measure in COUNTERS:
        counter = CounterMetricFamily(measure.name, measure.help, labels=measure.labels)
        for words, value in measure.samples(stats):
            counter.add_metric(words, value)
        yield counter
    for measure in GAUGES:
        gauge = GaugeMetricFamily(measure.name, measure.help, labels=measure.labels)
        for words, value in measure.samples(stats):
            gauge.add_metric(words, value)
        yield gauge
    waits = HistogramMetricFamily(DISK_WAIT, _DISK_WAIT_HELP)
    waits.add_metric((), _buckets(stats.disk_wait), sum_value=stats.disk_wait.sum_us / _S)
    yield waits


def _buckets(wait: DiskWait) -> list[tuple[str, float]]:
    """The cumulative classes of a histogram."""
    bounds = [str(bound / _S) for bound in WAIT_BOUNDS_US] + ["+Inf"]
    return [(bound, sum(wait.counts[: place + 1])) for place, bound in enumerate(bounds)]


class OptoutCollector(Collector):
    """For an application's own registry: `prometheus_client.REGISTRY.register(OptoutCollector())`.

    `read` gives the numbers: those of this process, as one. While no door runs there are none.
    """

    def __init__(self, read: Callable[[], Stats | None] = lambda: merged(stats_of_this_process())) -> None:
        self._read = read

    def collect(self) -> Iterator[Metric]:
        """The metrics now."""
        stats = self._read()
        if stats is not None:
            yield from families(stats)


class _Whole(Collector):
    """All of one answer to `/metrics`."""

    def __init__(self, stats: Stats | None, is_ready: bool) -> None:
        self._stats = stats
        self._is_ready = is_ready

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily(READY, _READY_HELP, value=self._is_ready)
        if self._stats is not None:
            yield from families(self._stats)


def exposition(stats: Stats | None, *, is_ready: bool) -> bytes:
    """The text that Prometheus reads; `stats` None: no door has started yet."""
    registry = CollectorRegistry()
    registry.register(_Whole(stats, is_ready))
    return generate_latest(registry)
