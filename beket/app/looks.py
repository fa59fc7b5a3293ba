"""Owns a look at a live camera as access sees it: asked and in the journal before it begins, asked again while it goes
on, its end in the journal. Serves the pages and the relay alike. Blocking. Note: vms/design/0008-live.md.
"""

from collections.abc import Callable

from beket.access.journal import Event
from beket.access.permit import Actor, Resource, camera_resource, permit
from beket.access.roles import Action
from beket.access.store import AccessStore
from beket.kernel.clock import NS_PER_S
from beket.kernel.errors import Forbidden, NotFound
from beket.kernel.ports import InventoryView
from beket.kernel.text import say

END_OF_LOOK = "end-view-live"


class LiveLook:
    """A `vms.live.look.Look`. `actor` says anew who asks, with the grants of that moment, or raises."""

    def __init__(
        self, access: AccessStore, inventory: InventoryView, *, camera: str, actor: Callable[[], Actor], via: str
    ) -> None:
        """Ask; when this returns, the look is allowed and in the journal. `via` is the door, for the journal.

        Raises:
            Unauthenticated: nobody known asks.
            NotFound: there is no such camera.
            Forbidden: the answer is no; that is in the journal too.
        """
        self._access = access
        self._inventory = inventory
        self._camera = camera
        self._actor = actor
        self._via = via
        asks = actor()
        self._decision = access.demand(asks, Action.VIEW_LIVE, self._resource())
        self._login, self._about_police = asks.login, asks.is_police
        self._began_ns = access.time.mono_ns()

    def check(self) -> None:
        """See `Look.check`; not in the journal, for it is the same look."""
        decision = permit(self._actor(), Action.VIEW_LIVE, self._resource(), self._access.time.now_at())
        if not decision:
            raise Forbidden(decision.reason, subject=self._camera)

    def end(self) -> None:
        """See `Look.end`."""
        lasted_s = round((self._access.time.mono_ns() - self._began_ns) / NS_PER_S, 1)
        self._access.journal.append(
            Event(
                actor=f"user:{self._login}",
                action=END_OF_LOOK,
                subject=self._camera,
                about_police=self._about_police,
                details={"lasted_s": lasted_s, "via": self._via, "grant": self._decision.grant},
            )
        )

    def _resource(self) -> Resource:
        known = self._inventory.current()
        found = next((one for one in known.cameras if one.id == self._camera), None)
        if found is None:
            raise NotFound(say("Такої камери немає.", "There is no such camera."), subject=self._camera[:80])
        return camera_resource(found, next(one for one in known.sites if one.id == found.site))
