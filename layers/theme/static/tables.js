// Wide tables scroll inside their own box. Make those that scroll reachable by keyboard.
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
