"""Every query of every page and every rule, and how Grafana would ask them."""

import yaml

from beket.testing.source_tree import PROJECT
from dashboards.grafana.__main__ import pages

QUERIES = [
    (f"{page.title}: {panel.title}", query.expression)
    for page in pages()
    for row in page.rows
    for panel in row.panels
    for query in panel.queries
]
QUERIES += sorted({(mark.title, mark.expression) for page in pages() for mark in page.marks})
RULES = [
    (str(rule["alert"]), str(rule["expr"]))
    for group in yaml.safe_load((PROJECT / "dashboards/prometheus/rules.yaml").read_text())["groups"]
    for rule in group["rules"]
]


def as_grafana_asks(expression: str, rate_interval: str, *, community: str, device: str) -> str:
    """The query with one device of one community chosen on the page."""
    filled = expression.replace("$community", community).replace("$site", ".*").replace("$device", device)
    return filled.replace("$__rate_interval", rate_interval)


def scrape_config(target: str, *, every: str = "1s") -> str:
    """The example that ships, pointed at `target` and made quick; a scrape that lasts longer than that is given up."""
    config = yaml.safe_load((PROJECT / "dashboards/prometheus/prometheus.yaml").read_text())
    config["global"] = {"scrape_interval": every, "evaluation_interval": every}
    config["rule_files"] = [str(PROJECT / "dashboards/prometheus/rules.yaml")]
    config["scrape_configs"][0]["static_configs"] = [{"targets": [target]}]
    return str(yaml.safe_dump(config))
