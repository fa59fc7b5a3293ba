// Pages of facts keep themselves true: asked anew every few seconds while they are looked at, they change in place.
const EVERY_MS = 4000;
let tag = "";
let failed = 0;

async function look() {
  if (document.hidden || document.querySelector("main form :focus, main details[open]")) return;
  const headers = tag ? { "If-None-Match": tag } : {};
  const answer = await fetch(location.href, { headers, cache: "no-store", credentials: "same-origin" });
  if (answer.redirected) return location.reload(); // the session has ended
  if (answer.status === 304) return;
  if (!answer.ok) throw new Error(answer.status);
  const isFirst = !tag;
  tag = answer.headers.get("ETag") || "";
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const [ours, theirs] = [document.querySelector("main"), page.querySelector("main")];
  if (ours.innerHTML === theirs.innerHTML) return;
  const focused = [...ours.querySelectorAll("a, button")].indexOf(document.activeElement);
  const [before, after] = [ours, theirs].map((main) => main.querySelector(".sentence")?.textContent);
  ours.replaceChildren(...theirs.childNodes);
  if (focused >= 0) ours.querySelectorAll("a, button")[focused]?.focus();
  if (!isFirst && before !== after) document.getElementById("announcer").textContent = after;
}

async function keep() {
  try {
    await look();
    failed = 0;
  } catch {
    failed += 1; // twice in a row: what stands here may be old, and says so
  }
  const isOld = failed > 1;
  if (document.body.classList.toggle("old", isOld) && failed === 2) {
    document.getElementById("announcer").textContent = document.querySelector(".stale").textContent;
  }
  setTimeout(keep, EVERY_MS);
}
setTimeout(keep, EVERY_MS);
