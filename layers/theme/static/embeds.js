// A player is loaded when a reader asks for it. Until then, the page sends nothing to its provider.
"use strict";
(() => {
  for (const embed of document.querySelectorAll(".embed[data-player]")) {
    const box = embed.querySelector(".embed-box");
    const button = box.querySelector("button");
    button.addEventListener("click", () => {
      const frame = document.createElement("iframe");
      frame.title = embed.dataset.title;
      frame.setAttribute("sandbox", "allow-scripts allow-same-origin allow-popups allow-presentation");
      frame.referrerPolicy = "strict-origin-when-cross-origin";
      frame.allow = "autoplay; encrypted-media; fullscreen; picture-in-picture";
      frame.loading = "lazy";
      frame.src = embed.dataset.player;
      box.replaceChildren(frame);
      frame.focus();
    });
    button.hidden = false;
  }
})();
