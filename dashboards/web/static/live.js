// One live picture: fMP4 over a WebSocket into MSE. Owns the socket, the buffer and the truth about the picture's age.
//
// The picture that stands on the screen has an age: the centre's time now, minus the wall time of the frame that is
// shown. Older than ten seconds it is covered, greyed and says so. Messages are appended strictly in order.
import { announce, clockOf, now, showState, spellAge, words } from "./words.js";

const FROZEN_AFTER_S = 10, BEHIND_MAX_S = 3, KEPT_S = 12, QUEUE_MAX = 150;
const WAITS_S = [1, 2, 5, 10, 30];
const Source = window.ManagedMediaSource || window.MediaSource;

export class Live {
  constructor(tile) {
    this.tile = tile;
    this.video = tile.querySelector("video");
    this.tries = 0;
    this.why = null;
    this.closed = true;
    this.reset();
  }

  open() {
    if (!Source) return this.cannot();
    this.closed = false;
    this.why = null;
    this.openedAt = now();
    showState(this.tile, "opening");
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    this.socket = new WebSocket(`${scheme}://${location.host}/live/${this.tile.dataset.camera}?mode=${this.tile.dataset.mode}`);
    this.socket.binaryType = "arraybuffer";
    this.socket.onmessage = (event) => this.take(event.data);
    this.socket.onclose = () => this.lost();
    this.ticking ||= setInterval(() => this.tick(), 250);
  }

  close(state, text) {
    this.closed = true;
    clearTimeout(this.retry);
    clearInterval(this.ticking);
    this.ticking = null;
    if (this.socket) { this.socket.onclose = null; this.socket.onmessage = null; this.socket.close(); }
    this.reset();
    if (state) showState(this.tile, state, text);
    this.tile.querySelector("[data-role=clock]").textContent = "";
  }

  // Messages -------------------------------------------------------------------------------------------------------

  take(data) {
    if (typeof data !== "string") {
      if (this.expectsInit) { this.expectsInit = false; this.queue.push({ bytes: new Uint8Array(data) }); }
      else this.queue.push({ wall: Number(new DataView(data).getBigUint64(0)) / 90, bytes: new Uint8Array(data, 8) });
      if (this.queue.length > QUEUE_MAX) { this.socket.close(); return; }
      this.arrivedAt = now();
      this.feed();
      return;
    }
    const message = JSON.parse(data);
    if (message.type === "start") this.start(message);
    if (message.type === "away") { this.why = message[document.documentElement.lang] || message.uk; this.away(); }
    if (message.type === "drop") this.tile.dataset.dropped = Number(this.tile.dataset.dropped || 0) + message.frames;
  }

  start(message) {
    if (!Source.isTypeSupported(message.mime)) return this.cannot();
    this.reset();
    this.why = null;
    this.expectsInit = true;
    this.mime = message.mime;
    this.source = new Source();
    const source = this.source;
    this.video.disableRemotePlayback = true;
    this.url = URL.createObjectURL(source);
    this.video.src = this.url;
    source.addEventListener("sourceopen", () => {
      if (source !== this.source) return;
      this.buffer = source.addSourceBuffer(this.mime);
      this.buffer.mode = "sequence";
      this.buffer.addEventListener("updateend", () => this.feed());
      this.feed();
    }, { once: true });
    this.video.play().catch(() => {});
  }

  reset() {
    this.queue = [];
    this.shown = [];
    this.expectsInit = false;
    this.buffer = null;
    this.source = null;
    if (this.url) { URL.revokeObjectURL(this.url); this.url = null; this.video.removeAttribute("src"); this.video.load(); }
  }

  feed() {
    const buffer = this.buffer;
    if (!buffer || buffer.updating || !this.queue.length || this.source.readyState !== "open") return;
    const end = this.bufferedEnd();
    if (end - this.video.currentTime > 0 && this.video.currentTime - this.bufferedStart() > 2 * KEPT_S) {
      buffer.remove(0, this.video.currentTime - KEPT_S);
      return;
    }
    const next = this.queue.shift();
    // In sequence mode each message continues where the buffer ends: that place is the moment `wall`.
    if (next.wall !== undefined) {
      this.shown.push([end, next.wall]);
      if (this.shown.length > 2000) this.shown.splice(0, 1000);
    }
    try { buffer.appendBuffer(next.bytes); } catch { this.socket.close(); }
  }

  bufferedEnd() { const b = this.buffer.buffered; return b.length ? b.end(b.length - 1) : 0; }
  bufferedStart() { const b = this.buffer.buffered; return b.length ? b.start(0) : 0; }

  // Wall time in ms of the frame on the screen; null while there is none.
  shownAt() {
    if (this.video.readyState < 2) return this.lastShownAt ?? null;
    const at = this.video.currentTime;
    let low = null;
    for (const entry of this.shown) { if (entry[0] <= at + 0.001) low = entry; else break; }
    if (low) this.lastShownAt = low[1] + (at - low[0]) * 1000;
    return this.lastShownAt ?? null;
  }

  // The truth, four times a second -----------------------------------------------------------------------------------

  tick() {
    if (this.closed) return;
    if (this.buffer) this.keepUp();
    const shownAt = this.source ? this.shownAt() : null;
    if (this.why !== null) return this.away();
    if (shownAt === null) {
      this.clock("");
      if (now() - this.openedAt > FROZEN_AFTER_S * 1000 && this.tile.dataset.state === "opening") showState(this.tile, "opening", words.opening);
      return;
    }
    const age_s = Math.max(0, (now() - shownAt) / 1000);
    this.tile.dataset.ageS = age_s.toFixed(1);
    this.clock(`${clockOf(shownAt)} · ${words.age} ${age_s < 60 ? `${Math.round(age_s)} ${words.seconds}` : spellAge(age_s)}`);
    if (age_s > FROZEN_AFTER_S) {
      const text = `${words.frozen} ${spellAge(age_s)}`;
      if (this.tile.dataset.state !== "frozen") announce(this.tile.querySelector(".name b").textContent, words.frozen);
      showState(this.tile, "frozen", text);
    } else if (this.socket?.readyState === WebSocket.OPEN) { this.tries = 0; showState(this.tile, "live"); }
  }

  keepUp() {
    const behind = this.bufferedEnd() - this.video.currentTime;
    if (behind > BEHIND_MAX_S || this.video.currentTime < this.bufferedStart()) this.video.currentTime = Math.max(this.bufferedStart(), this.bufferedEnd() - 0.4);
    this.video.playbackRate = behind > 1 ? 1.15 : behind > 0.6 ? 1.05 : 1;
    if (this.video.paused && behind > 0.2) this.video.play().catch(() => {});
  }

  clock(text) { const place = this.tile.querySelector("[data-role=clock]"); if (place.textContent !== text) place.textContent = text; }

  away() { this.clock(""); showState(this.tile, "away", this.why); }

  cannot() {
    this.close("cannot", words.cannotLong);
    if (this.tile.dataset.archive && !this.tile.querySelector(".instead")) {
      const link = document.createElement("a");
      link.className = "instead button";
      link.href = `${this.tile.dataset.archive}?at=${new Date(now() - 90000).toISOString()}&seconds=60`;
      link.textContent = words.openArchive;
      this.tile.querySelector(".caption").append(link);
    }
  }

  async lost() {
    if (this.closed) return;
    const wait_s = WAITS_S[Math.min(this.tries, WAITS_S.length - 1)] * (1 + 0.3 * Math.random());
    this.tries += 1;
    if (this.why === null) showState(this.tile, "lost", words.lostLong); // what the centre said last stays
    this.retry = setTimeout(async () => {
      if (this.tries > 2 && await sessionEnded()) return this.close("lost", words.loginAgain);
      if (!this.closed) { const why = this.why; this.reset(); this.lastShownAt = undefined; this.open(); if (why) { this.why = why; this.away(); } }
    }, wait_s * 1000);
  }
}

async function sessionEnded() {
  try { return (await fetch(location.href, { redirect: "manual", method: "GET" })).type === "opaqueredirect"; } catch { return false; }
}

// All live pictures of a page: they stop while nobody can see them, and start again.
export function keepLive(tiles) {
  const lives = [...tiles].map((tile) => new Live(tile));
  let hiding = null;
  const show = () => { clearTimeout(hiding); for (const live of lives) if (live.closed && live.tile.dataset.state !== "cannot") { live.lastShownAt = undefined; live.open(); } };
  const hide = () => { for (const live of lives) if (!live.closed) live.close("paused", words.pausedLong); };
  document.addEventListener("visibilitychange", () => { if (document.hidden) hiding = setTimeout(hide, 3000); else show(); });
  window.addEventListener("pagehide", hide);
  window.addEventListener("pageshow", () => { if (!document.hidden) show(); });
  if (!document.hidden) show();
  return lives;
}
