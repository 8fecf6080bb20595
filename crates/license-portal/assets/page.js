// Buttons that copy, and files that fill a field. Without this script they stay hidden; everything else works without it.
for (const button of document.querySelectorAll("[data-copies]")) {
  if (!navigator.clipboard) break;
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copies).textContent);
    button.textContent = button.dataset.done;
  });
}
for (const file of document.querySelectorAll("[data-fills]")) {
  file.parentElement.hidden = false;
  file.addEventListener("change", async () => {
    if (file.files.length > 0) document.getElementById(file.dataset.fills).value = await file.files[0].text();
  });
}
