"use strict";
document.addEventListener("click", function (event) {
  const button = event.target.closest("button.copy");
  if (!button) { return; }
  const code = button.parentElement.querySelector("code, pre");
  function told(worked) {
    button.textContent = worked ? "copied" : "select and copy";
    window.setTimeout(function () { button.textContent = "copy"; }, 1600);
  }
  function bySelection() {
    const range = document.createRange();
    range.selectNodeContents(code);
    const selection = window.getSelection();
    selection.removeAllRanges();
    selection.addRange(range);
    told(document.execCommand("copy"));
  }
  // A page opened from a file may not be allowed to use the clipboard.
  if (!navigator.clipboard) { bySelection(); return; }
  navigator.clipboard.writeText(code.textContent).then(function () { told(true); }, bySelection);
});

// A line of a key, a name or a digest ends after a sign or eight digits, not within a word. The text stays whole in the
// file, for those who search it, and for those who copy.
(function () {
  const piece = /[0-9a-f]{8}(?=[0-9a-f]{8})|[^]+?(?:(?:[_/,={(]+|\.+(?!\d))(?=[^])|[a-z](?=[A-Z])|$)/g;
  document.querySelectorAll("td.hash, td.name, .command span").forEach(function (one) {
    Array.from(one.childNodes).forEach(function (node) {
      if (node.nodeType !== Node.TEXT_NODE || !node.data.trim()) { return; }
      const parts = node.data.match(piece) || [];
      const broken = document.createDocumentFragment();
      parts.forEach(function (part, at) {
        if (at > 0) { broken.append(document.createElement("wbr")); }
        broken.append(part);
      });
      node.replaceWith(broken);
    });
    one.classList.add("pieced");
  });
})();

// A table that does not fit says that there is more to the right, until its end is in sight.
(function () {
  const boxes = document.querySelectorAll(".scroll");
  function mark(box) {
    box.classList.remove("wide");
    const wide = box.scrollWidth > box.clientWidth + 1;
    // What is out of sight may be wide: its lines would make rows of blanks in what is in sight.
    box.classList.toggle("wide", wide);
    box.classList.toggle("more", wide && box.scrollLeft + box.clientWidth < box.scrollWidth - 1);
    box.nextElementSibling.classList.toggle("shown", wide);
  }
  boxes.forEach(function (box) { box.addEventListener("scroll", function () { mark(box); }); });
  function all() { boxes.forEach(mark); }
  window.addEventListener("resize", all);
  document.addEventListener("toggle", all, true);
  all();
})();
