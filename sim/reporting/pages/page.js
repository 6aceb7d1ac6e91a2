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

// A table that does not fit says that there is more to the right, until its end is in sight.
(function () {
  const boxes = document.querySelectorAll(".scroll");
  function mark(box) {
    const wide = box.scrollWidth > box.clientWidth + 1;
    box.classList.toggle("more", wide && box.scrollLeft + box.clientWidth < box.scrollWidth - 1);
    box.nextElementSibling.classList.toggle("shown", wide);
  }
  boxes.forEach(function (box) { box.addEventListener("scroll", function () { mark(box); }); });
  function all() { boxes.forEach(mark); }
  window.addEventListener("resize", all);
  document.addEventListener("toggle", all, true);
  all();
})();
