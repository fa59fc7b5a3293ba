"""Owns the course of a demo: the community, the centre and the agents start, and a person sees what flows, live.

The simulated community runs on this process's loop; the centre and each agent are processes of their own, as they will
be in a real place. What the demo says it saw, it saw at the centre's pages. Everything ends with the demo.
"""

import asyncio
import contextlib
import re
from collections.abc import Coroutine
from dataclasses import dataclass, field

from beket.app.demo.people import PEOPLE
from beket.app.demo.stage import OFFICER, PLAN_NAME, VIEWER, Stage, join_agents, join_computers
from beket.app.demo.viewer import Proof, Viewer, prove
from beket.app.light_line import serve_light
from beket.app.process import child
from beket.app.terminal import tell
from beket.app.wiring.gear_centre import CHANGED as GEAR_CHANGED
from beket.kernel.clock import NS_PER_S, Clock
from beket.kernel.errors import BeketError, Internal, TimedOut
from beket.kernel.ids import CameraId, DeviceId, SiteId
from beket.kernel.inventory import Camera, Device
from beket.kernel.text import Text, say
from beket.kernel.units import TICKS_PER_S
from beket.sim.community import Simulation, inventory
from dashboards.web.entry import one_click_url

NO_RESTIC = say(
    "  Резервне копіювання не показано: встановіть restic (sudo apt install restic).\n",
    "  Backups are not shown: install restic (sudo apt install restic).\n",
)
MINUTE_S = 60
LOOK_EVERY_S = 1.0
ASK_AGAIN_S = 3
CENTRE_STARTS_WITHIN_S = 30.0
# A clip shorter than this proves nothing.
CLIP_MIN_S = 5
# Tests of time hold 0.25 s; here cameras are drawn and encoded beside everything else, on a machine that may be busy.
CLOCK_ERROR_MAX_S = 1.0
_UPTIME = re.compile(r'^device_uptime_seconds\{.*?device="([^"]+)".*?\} ([0-9.e+]+)$', re.MULTILINE)
_COPIED = re.compile(r"^backup_repository_age_seconds\{", re.MULTILINE)
_RESTORED = re.compile(r"^backup_proven_restore_age_seconds\{", re.MULTILINE)
_RECEIVED = re.compile(r'^vms_received_bytes_total\{.*?camera="([^"]+)".*?\} (?!0\.0$)', re.MULTILINE)
_UP = re.compile(r'^device_up_ratio\{.*?device="([^"]+)".*?\} 1\.0$', re.MULTILINE)


@dataclass(slots=True)
class Seen:
    """What has flowed so far."""

    devices: set[DeviceId] = field(default_factory=set)
    cameras: set[CameraId] = field(default_factory=set)
    clips: dict[CameraId, Proof] = field(default_factory=dict)
    alert_fired: bool = False
    alert_resolved: bool = False
    copied: bool = False
    restored: bool = False
    gear_changed: bool = False

    def flows(self, thing: str, *, devices: int, cameras: int) -> bool:
        """Whether all of `video`, `samples`, `alert`, `backup` or `gear` has really come."""
        match thing:
            case "video":
                return len(self.clips) == cameras
            case "samples":
                return len(self.devices) == devices
            case "gear":
                return self.gear_changed
            case "backup":
                return self.copied and self.restored
        return self.alert_fired


class Story:
    """One run of a demo."""

    def __init__(self, stage: Stage, *, clock: Clock, blackout: bool = False) -> None:
        """With `blackout` the light of one place goes out once its recordings have come, and back after its alert."""
        self._blackout = blackout
        self._stage = stage
        self._clock = clock
        known = inventory(stage.community)
        self._cameras: dict[CameraId, Camera] = {camera.id: camera for camera in known.cameras}
        self._devices: dict[DeviceId, Device] = {device.id: device for device in known.devices}
        self._viewer = Viewer(stage.centre.pages.port)
        self._simulation = Simulation(stage.community, clock=clock, logins=stage.logins, shells=stage.shells)
        self._dark = stage.community.sites[-1].site
        self._began_ns = clock.mono_ns()
        self._began_wall_ns = clock.wall_ns()
        self._ask_again_ns: dict[CameraId, int] = {}
        self.seen = Seen()

    async def run(self, stop: asyncio.Event, *, seconds: float | None) -> None:
        """Play until `stop`, or for `seconds`; then take what there is of a minute, if none was taken before.

        Raises:
            Busy: another demo runs on this machine.
            BeketError: a part could not start; the sentence says which and why.
        """
        async with contextlib.AsyncExitStack() as stack:
            community = asyncio.create_task(self._simulation.run())
            stack.push_async_callback(_cancel, community)
            await _ready(community, self._simulation.serving())
            await stack.enter_async_context(
                serve_light(self._stage.light_line, lights=self._lights, switch=self._switch)
            )
            await self._start_centre(stack)
            await asyncio.to_thread(join_agents, self._stage, clock=self._clock)
            for site in self._stage.agents:
                arguments = ["agent", "--config", str(self._stage.agent_file(site))]
                await stack.enter_async_context(child(arguments, log_file=self._stage.log(f"agent-{site}")))
            telling = asyncio.create_task(self._tell_of_computers())
            stack.push_async_callback(_cancel, telling)
            self._greet()
            await self._watch(stop, seconds, community)

    async def _tell_of_computers(self) -> None:
        """Each of the community's computers tells of itself once, by its own agent's program."""
        told = 0
        for command in await asyncio.to_thread(join_computers, self._stage, clock=self._clock):
            async with child(command, log_file=self._stage.log("computers"), quiet=True) as computer:
                told += await computer.wait() == 0
        self._say(say("Комп'ютерів розповіло про себе: {n}.", "Computers that told of themselves: {n}.", n=told))

    async def _start_centre(self, stack: contextlib.AsyncExitStack) -> None:
        arguments = ["centre", "--config", str(self._stage.centre_file)]
        log_file = self._stage.log("centre")
        centre = await stack.enter_async_context(child(arguments, log_file=log_file))
        deadline_ns = self._clock.mono_ns() + round(CENTRE_STARTS_WITHIN_S * NS_PER_S)
        while not await asyncio.to_thread(self._viewer.is_open):
            if centre.returncode is not None or self._clock.mono_ns() > deadline_ns:
                raise Internal(
                    say("Центр не запустився.", "The centre did not start."),
                    hint=say("Причина: {path}", "Why: {path}", path=log_file),
                )
            await self._clock.sleep(0.1)
        await asyncio.to_thread(self._viewer.log_in, VIEWER, self._stage.password, reason="Показ навчальної громади")

    async def _watch(self, stop: asyncio.Event, seconds: float | None, community: "asyncio.Task[None]") -> None:
        end_ns = None if seconds is None else self._began_ns + round(seconds * NS_PER_S)
        while not stop.is_set() and not community.done():
            with contextlib.suppress(TimedOut):
                await asyncio.to_thread(self._look, MINUTE_S)
                if self._blackout and len(self.seen.cameras) == len(self._cameras):
                    await self._play_blackout()
            if end_ns is not None and self._clock.mono_ns() >= end_ns:
                self._ask_again_ns.clear()
                await asyncio.to_thread(self._look, CLIP_MIN_S)
                return
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), LOOK_EVERY_S)
        if community.done():
            community.result()

    # What a person sees -----------------------------------------------------------------------------------------------

    def _look(self, clip_s: int) -> None:
        page = self._viewer.metrics()
        uptimes = {name: float(value) for name, value in _UPTIME.findall(page)}
        for name in _UP.findall(page):
            device = self._devices.get(DeviceId(name))
            if device and device.id not in self.seen.devices:
                self.seen.devices.add(device.id)
                self._say(
                    say(
                        "{name} відповідає; працює без перезапуску {n} с.",
                        "{name} answers; up for {n} s.",
                        name=device.name,
                        n=round(uptimes.get(name, 0)),
                    )
                )
        self._look_at_backup(page)
        self._look_at_gear()
        arrived, mono_ns = set(_RECEIVED.findall(page)), self._clock.mono_ns()
        for camera in self._cameras.values():
            wanted = camera.id in arrived and camera.id not in self.seen.clips
            if wanted and mono_ns >= self._ask_again_ns.get(camera.id, 0):
                waits_s = self._look_at(camera, clip_s)
                self._ask_again_ns[camera.id] = mono_ns + waits_s * NS_PER_S

    def _look_at_backup(self, page: str) -> None:
        # What the centre sees in the repository's own files, and what the site's drill proved.
        if not self.seen.copied and _COPIED.search(page):
            self.seen.copied = True
            self._say(say("{plan}: копію зроблено.", "{plan}: copied.", plan=PLAN_NAME))
        if self.seen.copied and not self.seen.restored and _RESTORED.search(page):
            self.seen.restored = True
            self._say(
                say(
                    "{plan}: копію відновлено для перевірки, кожен файл збігся.",
                    "{plan}: restored to try it, each file is the same.",
                    plan=PLAN_NAME,
                )
            )

    def _look_at_gear(self) -> None:
        # A technician changes a router's settings about a minute after they were first copied.
        if self.seen.gear_changed:
            return
        changed = [one for one in self._viewer.alerts() if one.rule == GEAR_CHANGED]
        device = self._devices.get(DeviceId(changed[0].subject)) if changed else None
        if device is not None:
            self.seen.gear_changed = True
            self._say(
                say(
                    "{name}: хтось змінив налаштування. Що саме: {url}/gear (увійти як it).",
                    "{name}: somebody changed its configuration. What: {url}/gear (enter as it).",
                    name=device.name,
                    url=self._stage.pages_url,
                )
            )

    def _look_at(self, camera: Camera, clip_s: int) -> int:
        """See what the archive holds; returns after how many seconds to ask again: each look is in the journal."""
        recorded = self._viewer.recorded(
            camera.id, start_ns=self._began_wall_ns, end_ns=self._clock.wall_ns() + NS_PER_S
        )
        if not recorded:
            return ASK_AGAIN_S
        start_90k, end_90k = max(recorded, key=lambda stretch: stretch[1] - stretch[0])
        held_s = (end_90k - start_90k) // TICKS_PER_S
        if camera.id not in self.seen.cameras:
            self.seen.cameras.add(camera.id)
            self._say(
                say(
                    "Камера «{name}»: запис дійшов до центру.",
                    "Camera “{name}”: its recording is here.",
                    name=camera.name,
                )
            )
        if held_s >= clip_s:
            self._take_clip(camera, end_90k - min(held_s, MINUTE_S) * TICKS_PER_S, min(held_s, MINUTE_S))
        return max(ASK_AGAIN_S, clip_s - held_s)

    def _take_clip(self, camera: Camera, start_90k: int, seconds: int) -> None:
        clip = self._viewer.clip(camera.id, start_90k=start_90k, seconds=seconds)
        file = self._stage.folder / "minute" / f"{camera.id}.mp4"
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(clip.mp4)
        proof = prove(file, start_90k=clip.start_90k)
        if proof.duration_s < seconds - 2 or abs(proof.clock_error_s) > CLOCK_ERROR_MAX_S:
            raise Internal(f"the clip is not the minute that was asked for: {proof}", subject=camera.id)
        self.seen.clips[camera.id] = proof
        self._say(
            say(
                "Камера «{name}»: {n} с з архіву грають (кадрів: {frames}); різниця з часом у кадрі {ms} мс.\n"
                "        Подивитися: {path}",
                "Camera “{name}”: {n} s from the archive play ({frames} frames); {ms} ms off the picture's clock.\n"
                "        Watch: {path}",
                name=camera.name,
                n=round(proof.duration_s),
                frames=proof.frames,
                ms=round(proof.clock_error_s * 1000),
                path=file.as_uri(),
            )
        )

    async def _play_blackout(self) -> None:
        """One step of the blackout: the light goes out; the alert is heard; the light comes back; it is over."""
        if not self.seen.alert_fired and self._simulation.has_light(self._dark.id):
            self._simulation.switch_off(self._dark.id)
            self._say(say("Вимкнули світло: {site}.", "The light goes out: {site}.", site=self._dark.name))
        alerts = [one for one in await asyncio.to_thread(self._viewer.alerts) if one.subject == self._dark.id]
        if not self.seen.alert_fired and any(one.state == "firing" for one in alerts):
            self.seen.alert_fired = True
            words = next(one.words for one in alerts if one.state == "firing")
            if words is not None:
                self._say(
                    say(
                        "Тривога: {words}", "Alert: {words}", words=Text(_braced(words.what.uk), _braced(words.what.en))
                    )
                )
            self._simulation.switch_on(self._dark.id)
        if self.seen.alert_fired and not self.seen.alert_resolved and any(one.state == "resolved" for one in alerts):
            self.seen.alert_resolved = True
            self._say(say("Тривога минула: {site}.", "The alert is over: {site}.", site=self._dark.name))

    def _lights(self) -> dict[SiteId, bool]:
        return {spec.site.id: self._simulation.has_light(spec.site.id) for spec in self._stage.community.sites}

    def _switch(self, site: SiteId, is_on: bool) -> None:
        (self._simulation.switch_on if is_on else self._simulation.switch_off)(site)

    def _greet(self) -> None:
        people = "\n".join(f"    {one_click_url(self._stage.pages_url, one.login)}  {one.name}" for one in PEOPLE)
        tell(
            say(
                "\nБекет: {name}. Навчальні дані: місця, камери й події вигадані.\n"
                "  Окремими процесами працюють: центр — 1, агентів об'єктів — {agents}.\n"
                "  Камер: {cameras}. Пристроїв: {devices}. Метрики: {url}/metrics\n"
                "  Сторінки: {url}  (увійти одним клацанням, лише з цієї машини:)\n{people}\n"
                "  Поліції: {relay}/council-street  (RTSP; логін {officer}, пароль у файлі {password})\n"
                "{backup}  Дані: {folder}. Ctrl-C зупиняє все.\n",
                "\nBeket: {name}. Training data: places, cameras and events are invented.\n"
                "  Processes of their own: the centre, and site agents: {agents}.\n"
                "  Cameras: {cameras}. Devices: {devices}. Metrics: {url}/metrics\n"
                "  Pages: {url}  (enter with one click, from this machine only:)\n{people}\n"
                "  For the police: {relay}/council-street  (RTSP; login {officer}, its password: {password})\n"
                "{backup}  Data: {folder}. Ctrl-C stops everything.\n",
                name=self._stage.community.name,
                agents=len(self._stage.agents),
                cameras=len(self._cameras),
                devices=len(self._devices),
                url=self._stage.pages_url,
                people=people,
                relay=self._stage.relay_url,
                officer=OFFICER,
                password=self._stage.relay_password_file,
                backup=say("", "") if self._stage.has_restic else NO_RESTIC,
                folder=self._stage.folder,
            )
        )

    def _say(self, text: Text) -> None:
        passed_s = (self._clock.mono_ns() - self._began_ns) // NS_PER_S
        tell(say("{at} с  {text}", "{at} s  {text}", at=f"{passed_s:4d}", text=text))


async def _ready(running: "asyncio.Task[None]", serving: Coroutine[object, object, None]) -> None:
    """Wait for `serving`, unless `running` fails before."""
    waiting = asyncio.create_task(serving)
    await asyncio.wait({running, waiting}, return_when=asyncio.FIRST_COMPLETED)
    if running.done():
        waiting.cancel()
        running.result()


async def _cancel(task: "asyncio.Task[None]") -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError, BeketError):
        await task


def _braced(words: str) -> str:
    return words.replace("{", "{{").replace("}", "}}")
