// A wide table scrolls within itself. Make it reachable by keyboard, but only where there is something to scroll.
"use strict";
(() => {
  const mark = () => {
    for (const table of document.querySelectorAll(".prose table")) {
      if (table.scrollWidth > table.clientWidth + 1) table.tabIndex = 0;
      else table.removeAttribute("tabindex");
    }
  };
  mark();
  addEventListener("resize", mark, { passive: true });
})();
