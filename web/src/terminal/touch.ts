import type { Terminal } from "@xterm/xterm";

/** Pixels that a finger moves before it is meant. */
const SLACK = 8;

/** One finger that moves in `host` scrolls, which xterm.js 6 does not do by itself (xtermjs/xterm.js#5489). */
export function scrollByTouch(host: HTMLElement, terminal: Terminal): void {
  let last: number | null = null;
  let rest = 0;
  const scroll = (pixels: number, { clientX, clientY }: PointerEvent) => {
    const { buffer, modes, rows } = terminal;
    rest += (pixels * rows) / host.clientHeight;
    const lines = Math.trunc(rest);
    rest -= lines;
    if (buffer.active.type === "normal" && modes.mouseTrackingMode === "none") {
      terminal.scrollLines(lines);
      return;
    }
    // The program scrolls, by what a wheel sends to it.
    const init = { deltaY: Math.sign(lines), deltaMode: WheelEvent.DOM_DELTA_LINE, clientX, clientY, bubbles: true };
    for (let left = Math.abs(lines); left > 0; left -= 1) {
      document.elementFromPoint(clientX, clientY)?.dispatchEvent(new WheelEvent("wheel", init));
    }
  };
  host.addEventListener("pointerdown", ({ pointerType, isPrimary, clientY }) => {
    last = pointerType === "touch" && isPrimary ? clientY : null;
    rest = 0;
  });
  host.addEventListener("pointermove", (event) => {
    const { pointerId, isPrimary, clientY } = event;
    const drags = host.hasPointerCapture(pointerId);
    if (last === null || !isPrimary || (!drags && Math.abs(clientY - last) < SLACK)) {
      return;
    }
    if (!drags) {
      // What was touched is drawn anew while it scrolls, and would take the rest of the drag with it.
      host.setPointerCapture(pointerId);
    }
    scroll(last - clientY, event);
    last = clientY;
  });
}
