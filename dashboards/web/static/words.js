// What a page says through scripts, in its own language, and the centre's time as the page knew it.
const holder = document.getElementById("words");
export const words = JSON.parse(holder.dataset.words);
const loaded = performance.getEntriesByType("navigation")[0]?.responseStart ?? 0;

// The centre's wall clock in ms: what the page was written at, plus what has passed since its first byte came.
export const now = () => Number(holder.dataset.nowMs) + performance.now() - loaded;

const clock = new Intl.DateTimeFormat("uk-UA", { timeZone: "Europe/Kyiv", hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });
const day = new Intl.DateTimeFormat(holder.dataset.lang === "en" ? "en-GB" : "uk-UA", { timeZone: "Europe/Kyiv", day: "numeric", month: "long" });
export const clockOf = (ms) => clock.format(ms);
export const momentOf = (ms) => `${day.format(ms).replace(" ", "\u00a0")}, ${clockOf(ms)}`;
export const spellAge = (s) => `${String(Math.floor(s / 60)).padStart(2, "0")}:${String(Math.floor(s % 60)).padStart(2, "0")}`;

// Changes of state are read out, at most one sentence in five seconds, the newest of each thing.
const waiting = new Map();
let speaks = false;
export function announce(who, what) {
  waiting.set(who, `${who}: ${what}`);
  if (speaks) return;
  speaks = true;
  setTimeout(() => {
    document.getElementById("announcer").textContent = [...waiting.values()].join(". ");
    waiting.clear();
    setTimeout(() => { speaks = false; if (waiting.size) { const [w] = waiting; announce(w[0], w[1].slice(w[0].length + 2)); } }, 5000);
  }, 300);
}

export function showState(tile, state, text) {
  if (tile.dataset.state !== state) {
    tile.dataset.state = state;
    const badge = tile.querySelector("[data-role=state]");
    badge.dataset.state = state;
    badge.querySelector("use").setAttribute("href", `#i-${state}`);
    badge.querySelector("b").textContent = words[state];
    if (state !== "opening") announce(tile.querySelector(".name b").textContent, text || words[state]);
  }
  const cover = tile.querySelector("[data-role=cover]");
  if (cover.textContent !== (text || "")) cover.textContent = text || "";
}
