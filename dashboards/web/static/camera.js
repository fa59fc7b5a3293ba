// One camera: the large live picture, or a minute of its archive that goes on to the next one by itself.
import { keepLive } from "./live.js";
import { momentOf, now, showState, words } from "./words.js";

const live = document.getElementById("live");
if (live) keepLive([live]);

const strip = document.getElementById("strip");
const goTo = (ms) => location.assign(`?at=${encodeURIComponent(new Date(Math.min(ms, now())).toISOString())}`);
strip?.addEventListener("click", (event) => {
  const box = strip.getBoundingClientRect();
  const { startMs, endMs } = strip.dataset;
  goTo(Number(startMs) + ((event.clientX - box.left) / box.width) * (endMs - startMs));
});

const player = document.getElementById("player");
if (player) play(player);

function play(player) {
  const video = player.querySelector("video");
  const label = player.querySelector("[data-role=moment]");
  const mark = document.getElementById("asked-mark");
  const seconds = Number(player.dataset.seconds);
  let url = null, startMs = Number(player.dataset.atMs), loading = 0;

  const shownMs = () => startMs + video.currentTime * 1000;

  async function load(ms, { autoplay = true } = {}) {
    const mine = ++loading;
    showState(player, "opening", words.loading);
    const answer = await fetch(`/cameras/${player.dataset.camera}/minute.mp4?at=${encodeURIComponent(new Date(ms).toISOString())}&seconds=${seconds}`).catch(() => null);
    if (mine !== loading) return;
    if (!answer || !answer.ok) {
      const said = answer ? await answer.json().catch(() => null) : null;
      startMs = ms;
      label.textContent = momentOf(ms);
      return showState(player, answer ? "away" : "lost", said?.[document.documentElement.lang] || (answer ? words.noRecording : words.lostLong));
    }
    const start90k = answer.headers.get("Beket-Start-90k");
    const bytes = await answer.blob();
    if (mine !== loading) return;
    startMs = Number(start90k) / 90;
    if (url) URL.revokeObjectURL(url);
    url = URL.createObjectURL(new Blob([bytes], { type: "video/mp4" }));
    video.src = url;
    // The copy begins at the key frame before the moment that was asked for.
    video.currentTime = Math.max(0, (ms - startMs) / 1000);
    player.dataset.missing = answer.headers.get("Beket-Missing") || "";
    if (autoplay) video.play().catch(() => {});
  }

  function seek(step_s) {
    const target = shownMs() + step_s * 1000;
    if (target > now()) return;
    if (target >= startMs && video.duration && target < startMs + video.duration * 1000) video.currentTime = (target - startMs) / 1000;
    else load(target);
  }

  video.addEventListener("playing", () => showState(player, "works"));
  video.addEventListener("pause", () => { if (!video.ended) showState(player, "paused"); });
  video.addEventListener("loadeddata", () => showState(player, video.paused ? "paused" : "works"));
  video.addEventListener("ended", () => load(shownMs() + 100));
  video.addEventListener("error", () => { if (video.src) showState(player, "cannot", words.noPlay); });
  video.addEventListener("timeupdate", () => {
    label.textContent = momentOf(shownMs());
    if (mark && strip) mark.setAttribute("x", `${(100 * (shownMs() - strip.dataset.startMs)) / (strip.dataset.endMs - strip.dataset.startMs)}%`);
  });
  for (const button of document.querySelectorAll("[data-step]")) button.addEventListener("click", (event) => { event.preventDefault(); seek(Number(button.dataset.step)); });
  player.addEventListener("keydown", (event) => {
    const long = event.shiftKey ? 60 : 10;
    if (event.key === "ArrowLeft") seek(-long);
    else if (event.key === "ArrowRight") seek(long);
    else if (event.key === " " && event.target === player) video.paused ? video.play() : video.pause();
    else if (event.key === "Home") document.getElementById("go-live")?.click();
    else return;
    event.preventDefault();
  });
  load(startMs);
}
