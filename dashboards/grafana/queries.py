"""Owns PromQL as it is built from the catalogue's metrics, so that a query cannot name what nobody measures.

Every series is narrowed by the variables of the dashboard: the community, and the site where the metric has one.
"""

from collections.abc import Sequence

from agents.network.metrics import DEVICE_UPTIME, PORT_DISCONTINUITY
from agents.network.metrics import METRICS as OF_GEAR
from beket.kernel.metrics import Metric

_GEAR = {metric.name: metric for metric in OF_GEAR}
_WINDOW = "[$__rate_interval]"


def gear(name: str) -> Metric:
    """What families of gear measure, by its name.

    Raises:
        KeyError: no such metric.
    """
    return _GEAR[name]


def series(metric: Metric, **labels: str) -> str:
    """The metric's series that the viewer chose, with `labels` of these values.

    Raises:
        ValueError: the metric has no such label.
    """
    unknown = labels.keys() - set(metric.labels)
    if unknown:
        raise ValueError(f"{metric.name} has no label {', '.join(sorted(unknown))}")
    chosen = ['community=~"$community"']
    if "site" in metric.labels and "site" not in labels:
        chosen.append('site=~"$site"')
    chosen += [f'{name}="{value}"' for name, value in labels.items()]
    return f"{metric.name}{{{', '.join(chosen)}}}"


def per_second(counter: Metric, **labels: str) -> str:
    """How fast a counter grows, by series; of those with `labels` of these values.

    A port's counters are the device's own: where that says that it started, or that counting began anew, there is no
    rate while the window holds that moment, as on the device's page in Beket, and never a spike.

    Raises:
        ValueError: not a counter, or it has no such label.
    """
    if counter.type != "counter":
        raise ValueError(f"{counter.name} is no counter and has no rate")
    rate = f"rate({series(counter, **labels)}{_WINDOW})"
    if counter.name not in _GEAR or "port" not in counter.labels:
        return rate
    of_device = {name: value for name, value in labels.items() if name in DEVICE_UPTIME.labels}
    anew = f"changes({series(PORT_DISCONTINUITY, **labels)}{_WINDOW}) > 0"
    started = f"resets({series(DEVICE_UPTIME, **of_device)}{_WINDOW}) > 0"
    return f"({rate} unless on ({_by(PORT_DISCONTINUITY)}) {anew} unless on ({_by(DEVICE_UPTIME)}) {started})"


def folded(operation: str, expression: str, metric: Metric, by: Sequence[str]) -> str:
    """`sum by (site) (…)` and its like over an expression of `metric`.

    Raises:
        ValueError: the metric has no label to fold by.
    """
    unknown = set(by) - {"community", *metric.labels}
    if unknown:
        raise ValueError(f"{metric.name} has no label {', '.join(sorted(unknown))}")
    return f"{operation} by ({', '.join(by)}) ({expression})" if by else f"{operation}({expression})"


def seen_lately(metric: Metric, window: str = "1d") -> str:
    """The newest value within `window` of each series: what sleeps or lost its light is shown as it last was."""
    return f"last_over_time({series(metric)}[{window}])"


def _by(metric: Metric) -> str:
    return ", ".join(("community", *metric.labels))
