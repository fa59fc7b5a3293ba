"""The program behind `gst_rtsp`: a GStreamer RTSP server, for Debian's own interpreter, which alone has the bindings.

Imports nothing of ours. Takes one JSON argument, prints `ready` once it listens, ends when its standard input does.
"""

import json
import sys
from typing import Any

import gi  # type: ignore[import-not-found, unused-ignore] # the bindings exist only beside Debian's interpreter

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")

from gi.repository import GLib, Gst, GstRtsp, GstRtspServer  # type: ignore[import-not-found, unused-ignore] # noqa: E402

ROLE = "viewer"


def serve(spec: dict[str, Any]) -> None:
    """Mount every stream of `spec` and run until standard input closes."""
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(str(spec["port"]))
    if spec["login"]:
        server.set_auth(_auth(spec["auth"], *spec["login"]))
    for path, launch in spec["mounts"].items():
        server.get_mount_points().add_factory(path, _factory(launch, spec))
    if server.attach(None) == 0:
        sys.exit(f"port {spec['port']} is taken")
    loop = GLib.MainLoop()
    GLib.io_add_watch(sys.stdin.fileno(), GLib.PRIORITY_DEFAULT, GLib.IOCondition.HUP, lambda *_: loop.quit())
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    loop.run()


def _factory(launch: str, spec: dict[str, Any]) -> Any:  # a GObject
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_launch(launch)
    factory.set_shared(True)
    if spec["udp_only"]:
        factory.set_protocols(GstRtsp.RTSPLowerTrans.UDP)
    if spec["login"]:
        permissions = GstRtspServer.RTSPPermissions()
        permissions.add_permission_for_role(ROLE, "media.factory.access", True)
        permissions.add_permission_for_role(ROLE, "media.factory.construct", True)
        factory.set_permissions(permissions)
    return factory


def _auth(method: str, user: str, password: str) -> Any:  # a GObject
    auth = GstRtspServer.RTSPAuth()
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", ROLE)
    if method == "digest":
        auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
        auth.add_digest(user, password, token)
    else:
        auth.set_supported_methods(GstRtsp.RTSPAuthMethod.BASIC)
        auth.add_basic(GstRtspServer.RTSPAuth.make_basic(user, password), token)
    return auth


if __name__ == "__main__":
    serve(json.loads(sys.argv[1]))
