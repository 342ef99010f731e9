// Runs before the first paint; src/theme.ts has the rest. The key and the colours are the same in both.
(function () {
  var choice = null;
  try {
    choice = localStorage.getItem("dalgona.theme");
  } catch (e) {
    // Storage may be forbidden; the system's preference is as good.
  }
  var dark = choice === "dark" || (choice !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  document.querySelector('meta[name="theme-color"]').content = dark ? "#15100c" : "#faf6f0";
})();
