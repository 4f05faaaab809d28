// Files that are made in the page.

/** Saves a text as a file, as it is. */
export function saveFile(name: string, text: string, type = "text/plain"): void {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

/** Saves a table; spreadsheets read CSV with a byte order mark in all languages. */
export function save(name: string, text: string): void {
  saveFile(name, `\uFEFF${text}`, "text/csv");
}
