// The wall: every tile is a live picture; arrow keys move between tiles as Tab does.
import { keepLive } from "./live.js";

keepLive(document.querySelectorAll(".wall .tile"));
const doors = [...document.querySelectorAll(".wall .open")];
document.querySelector(".wall")?.addEventListener("keydown", (event) => {
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  const at = doors.indexOf(document.activeElement);
  if (!step || at < 0) return;
  event.preventDefault();
  doors[(at + step + doors.length) % doors.length].focus();
});
