"""Owns which probe asks which kind of service, and how often at most where that is rarer than the rest."""

from agents.services.certificate import probe_certificate
from agents.services.domain import probe_rdap, probe_whois
from agents.services.line import probe_line
from agents.services.mail import probe_mail
from agents.services.name_server import probe_name_server
from agents.services.probe import Probe
from agents.services.stream import probe_stream
from agents.services.tcp_port import probe_port
from agents.services.time_server import probe_time_server
from agents.services.web_page import probe_page
from beket.kernel.service_address import ServiceKind

PROBES: dict[ServiceKind, Probe] = {
    ServiceKind.PING: probe_line,
    ServiceKind.TCP: probe_port,
    ServiceKind.HTTP: probe_page,
    ServiceKind.HTTPS: probe_page,
    ServiceKind.TLS: probe_certificate,
    ServiceKind.DNS: probe_name_server,
    ServiceKind.NTP: probe_time_server,
    ServiceKind.RTSP: probe_stream,
    ServiceKind.RTSPS: probe_stream,
    ServiceKind.WHOIS: probe_whois,
    ServiceKind.RDAP: probe_rdap,
    ServiceKind.MAIL: probe_mail,
}
# What changes slowly, or costs somebody else something.
EVERY_S: dict[ServiceKind, float] = {
    ServiceKind.TLS: 3600,
    ServiceKind.NTP: 300,
    ServiceKind.MAIL: 900,
    ServiceKind.WHOIS: 43_200,
    ServiceKind.RDAP: 43_200,
}
# One that fails is asked so many times more often, so that its owner soon sees it mended; registries ban the hasty.
SOONER = 12
# A letter takes its time.
WITHIN_S: dict[ServiceKind, float] = {ServiceKind.MAIL: 120}
