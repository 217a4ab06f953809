// Classic script in the head: the theme is known before the first paint, so nothing flashes.
(() => {
  const kept = localStorage.getItem("theme");
  if (kept === "dark" || kept === "light") document.documentElement.dataset.theme = kept;
})();
