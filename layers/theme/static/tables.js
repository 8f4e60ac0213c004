// Wide tables and code scroll inside their own box. Make those that scroll reachable by keyboard.
"use strict";
(() => {
  // A ResizeObserver runs after layout, so measuring here forces no second one.
  const observer = new ResizeObserver((entries) => {
    const scrolls = entries.map(({ target }) => target.scrollWidth > target.clientWidth + 1);
    entries.forEach(({ target }, number) => {
      if (scrolls[number]) target.tabIndex = 0;
      else target.removeAttribute("tabindex");
    });
  });
  for (const box of document.querySelectorAll(".prose :is(table, pre)")) observer.observe(box);
})();
