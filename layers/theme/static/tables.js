// Wide tables and code scroll inside their own box. Make those that scroll reachable by keyboard.
"use strict";
(() => {
  const mark = () => {
    for (const box of document.querySelectorAll(".prose :is(table, pre)")) {
      if (box.scrollWidth > box.clientWidth + 1) box.tabIndex = 0;
      else box.removeAttribute("tabindex");
    }
  };
  mark();
  addEventListener("resize", mark, { passive: true });
})();
